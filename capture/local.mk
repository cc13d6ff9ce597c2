noinst_LIBRARIES += capture/libcapture.a
capture_libcapture_a_SOURCES = \
	capture/bytes.c capture/bytes.h \
	capture/decoder.c capture/decoder.h \
	capture/dictionary.c capture/dictionary.h \
	capture/encoder.c capture/encoder.h \
	capture/event.c capture/event.h capture/event_table.h \
	capture/filelock.c capture/filelock.h \
	capture/format.h \
	capture/facts.c capture/facts.h \
	capture/header.c capture/header.h \
	capture/readat.h \
	capture/reader.c capture/reader.h \
	capture/ringfile.c capture/ringfile.h \
	capture/ringindex.c capture/ringindex.h \
	capture/segment.c capture/segment.h \
	capture/symbols.c capture/symbols.h \
	capture/writer.c capture/writer.h
capture_libcapture_a_CFLAGS = $(AM_CFLAGS) $(ZLIB_CFLAGS)
