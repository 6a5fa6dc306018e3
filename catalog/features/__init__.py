"""One folder a job: its run takes a workspace, a request and a sink, returns a result, and raises;
it knows no terminal.
"""
