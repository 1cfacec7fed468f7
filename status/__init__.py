"""What pool, providers and process are doing, taken together and shown. It counts nothing itself and asks no one."""
