# For hosts that run systemd; see configure's --with-systemdsystemunitdir.
EXTRA_DIST += systemd/freezetrap.service.in
if SYSTEMD
nodist_systemdsystemunit_DATA = systemd/freezetrap.service
dist_tmpfiles_DATA = systemd/tmpfiles.d/freezetrap.conf
dist_sysusers_DATA = systemd/sysusers.d/freezetrap.conf
else
EXTRA_DIST += systemd/tmpfiles.d/freezetrap.conf systemd/sysusers.d/freezetrap.conf
endif
CLEANFILES += systemd/freezetrap.service

systemd/freezetrap.service: systemd/freezetrap.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && \
		sed "s|@recorder@|$(bindir)/`echo recorder | sed '$(transform)'`|" \
			$(srcdir)/systemd/freezetrap.service.in >$@
