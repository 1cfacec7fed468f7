"""``make bench``: all measurements in one run."""

from benchmarks import faults, film_at_distance, per_request, protection, sharing

if __name__ == "__main__":
    per_request.main()
    protection.main()
    sharing.main()
    film_at_distance.main()
    faults.main()
