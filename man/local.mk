# Manual pages
dist_man_MANS += man/freezetrap-capture.5
