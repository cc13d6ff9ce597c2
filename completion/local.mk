# Bash completion, one file a program, named like it.
dist_bashcomp_DATA += completion/analyze completion/recorder
