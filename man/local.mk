# Manual pages
dist_man_MANS += man/analyze.1
dist_man_MANS += man/recorder.1
dist_man_MANS += man/freezetrap-capture.5
