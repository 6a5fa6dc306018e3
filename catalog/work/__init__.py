"""What every run has: its workspace, its session, the stores it opens, readers of files,
the journal and the recorder.
"""
