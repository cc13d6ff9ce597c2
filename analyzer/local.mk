# Everything but main() is a library, so that tests can link it.
noinst_LIBRARIES += analyzer/libanalyzer.a
analyzer_libanalyzer_a_SOURCES = \
	analyzer/analysis.c analyzer/analysis.h \
	analyzer/asides.c analyzer/asides.h \
	analyzer/json.c analyzer/json.h \
	analyzer/losses.c analyzer/losses.h \
	analyzer/merge.c analyzer/merge.h \
	analyzer/model.c analyzer/model.h \
	analyzer/render.h \
	analyzer/render_folded.c \
	analyzer/render_json.c \
	analyzer/render_text.c \
	analyzer/source.c analyzer/source.h \
	analyzer/source_text.c analyzer/source_text.h \
	analyzer/stacks.c analyzer/stacks.h \
	analyzer/stream.c analyzer/stream.h \
	analyzer/threads.c analyzer/threads.h \
	analyzer/timeline.c analyzer/timeline.h \
	analyzer/waitclass.c analyzer/waitclass.h \
	analyzer/waitrules.c analyzer/waitrules.h

bin_PROGRAMS += analyzer/analyze
analyzer_analyze_SOURCES = analyzer/main.c
ANALYZER_LIBS = analyzer/libanalyzer.a capture/libcapture.a $(ZLIB_LIBS)
analyzer_analyze_LDADD = $(ANALYZER_LIBS)
