# Manual pages
dist_man_MANS += man/recorder.1
