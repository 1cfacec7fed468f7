"""Subtitles in, subtitles out: documents, plan, prompt, alignment, memory and the job that ties them together."""
