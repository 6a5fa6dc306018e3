"""The commands, one file each: settings, workspace, survey, plan, run. No rules and no loops over
assets here.
"""
