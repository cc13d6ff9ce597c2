# Manual pages
dist_man_MANS += man/analyze.1
