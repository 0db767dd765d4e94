/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MPI-IO on one file by all ranks: independent and collective, with a shared
 * file pointer, non-blocking, in atomic mode.  Each byte has one right value,
 * which follows from its offset; whoever reads another one says where, and
 * aborts.  Prints "fine" at the end.
 *
 * usage: io DIR   (under mpirun)
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD 47008 /* strided, on no boundary of anything */
#define ROUNDS 12
#define NOTE 1000 /* through the shared pointer */

static int rank, ranks;
static char name[4096];

/* A call of MPI's that must succeed. */
#define DO(call) must((call), #call, __LINE__)
static void must(int r, const char *what, int line)
{
	char text[MPI_MAX_ERROR_STRING] = "";
	int len;

	if (r == MPI_SUCCESS)
		return;
	MPI_Error_string(r, text, &len);
	fprintf(stderr, "io.c:%d: rank %d: %s: %s\n", line, rank, what, text);
	MPI_Abort(MPI_COMM_WORLD, 1);
}

static void wrong(const char *what, long long at)
{
	fprintf(stderr, "rank %d: %s at %lld\n", rank, what, at);
	MPI_Abort(MPI_COMM_WORLD, 1);
}

/* The byte that belongs at an offset of the file, in each pass another. */
static unsigned char right(MPI_Offset at, unsigned pass)
{
	unsigned long long x = (unsigned long long)at + pass * 1000003ull;

	x *= 0x9e3779b97f4a7c15ull;
	return (unsigned char)(x >> 56);
}

static void fill(unsigned char *buf, MPI_Offset at, int len, unsigned pass)
{
	for (int i = 0; i < len; i++)
		buf[i] = right(at + i, pass);
}

static void check(const char *what, const unsigned char *buf, MPI_Offset at,
		  int len, unsigned pass)
{
	for (int i = 0; i < len; i++)
		if (buf[i] != right(at + i, pass))
			wrong(what, at + i);
}

static MPI_File open_file(int how)
{
	MPI_File f;

	DO(MPI_File_open(MPI_COMM_WORLD, name, how, MPI_INFO_NULL, &f));
	DO(MPI_File_set_errhandler(f, MPI_ERRORS_RETURN));
	return f;
}

/* Where round r of a rank's records is. */
static MPI_Offset place(int r, int who)
{
	return ((MPI_Offset)r * ranks + who) * RECORD;
}

static void check_size(MPI_File f, MPI_Offset want)
{
	MPI_Offset size;

	DO(MPI_File_get_size(f, &size));
	if (size != want)
		wrong("not the size, which is", size);
}

/* What another rank wrote is there. */
static void read_of_others(MPI_File f, unsigned pass)
{
	static unsigned char buf[RECORD];
	MPI_Status s;
	int n;

	for (int who = 0; who < ranks; who++)
		for (int r = 0; r < ROUNDS; r++) {
			DO(MPI_File_read_at(f, place(r, who), buf, RECORD,
					    MPI_BYTE, &s));
			DO(MPI_Get_count(&s, MPI_BYTE, &n));
			if (n != RECORD)
				wrong("short read", place(r, who));
			check("read of another's", buf, place(r, who), RECORD,
			      pass);
		}
}

/* Written, made visible, waited for. */
static void everybody_has(MPI_File f)
{
	DO(MPI_File_sync(f));
	MPI_Barrier(MPI_COMM_WORLD);
	DO(MPI_File_sync(f));
}

static void independent(void)
{
	static unsigned char buf[RECORD];
	MPI_File f = open_file(MPI_MODE_CREATE | MPI_MODE_RDWR);

	for (int r = ROUNDS - 1; r >= 0; r--) { /* over holes */
		fill(buf, place(r, rank), RECORD, 1);
		DO(MPI_File_write_at(f, place(r, rank), buf, RECORD, MPI_BYTE,
				     MPI_STATUS_IGNORE));
	}
	everybody_has(f);
	read_of_others(f, 1);
	check_size(f, place(ROUNDS, 0));
	DO(MPI_File_close(&f));
}

static void set_view(MPI_File f, MPI_Datatype *strided)
{
	DO(MPI_Type_vector(ROUNDS, RECORD, RECORD * ranks, MPI_BYTE, strided));
	DO(MPI_Type_commit(strided));
	DO(MPI_File_set_view(f, (MPI_Offset)rank * RECORD, MPI_BYTE, *strided,
			     "native", MPI_INFO_NULL));
}

static void collective(void)
{
	size_t len = (size_t)ROUNDS * RECORD;
	unsigned char *buf = malloc(len), *back = calloc(1, len);
	MPI_File f = open_file(MPI_MODE_RDWR);
	MPI_Datatype strided;

	for (int r = 0; r < ROUNDS; r++)
		fill(buf + (size_t)r * RECORD, place(r, rank), RECORD, 2);
	set_view(f, &strided);
	DO(MPI_File_write_all(f, buf, (int)len, MPI_BYTE, MPI_STATUS_IGNORE));
	everybody_has(f);
	DO(MPI_File_seek(f, 0, MPI_SEEK_SET));
	DO(MPI_File_read_all(f, back, (int)len, MPI_BYTE, MPI_STATUS_IGNORE));
	if (memcmp(buf, back, len))
		wrong("collective read", rank);
	DO(MPI_File_set_view(f, 0, MPI_BYTE, MPI_BYTE, "native",
			     MPI_INFO_NULL));
	read_of_others(f, 2);
	DO(MPI_Type_free(&strided));
	DO(MPI_File_close(&f));
	free(buf);
	free(back);
}

static void not_blocking(void)
{
	unsigned char *buf = malloc((size_t)ROUNDS * RECORD);
	MPI_File f = open_file(MPI_MODE_RDWR);
	MPI_Request q[ROUNDS];

	for (int r = 0; r < ROUNDS; r++) {
		unsigned char *b = buf + (size_t)r * RECORD;

		fill(b, place(r, rank), RECORD, 3);
		DO(MPI_File_iwrite_at(f, place(r, rank), b, RECORD, MPI_BYTE,
				      &q[r]));
	}
	for (int r = 0; r < ROUNDS; r++)
		DO(MPI_Wait(&q[r], MPI_STATUS_IGNORE));
	everybody_has(f);
	read_of_others(f, 3);
	DO(MPI_File_close(&f));
	free(buf);
}

/* All write the same range at once: it is one rank's. */
static void atomic(void)
{
	int len = 4 * RECORD;
	unsigned char *buf = malloc((size_t)len);
	MPI_File f = open_file(MPI_MODE_RDWR);
	unsigned pass;

	DO(MPI_File_set_atomicity(f, 1));
	fill(buf, 0, len, 10u + (unsigned)rank);
	DO(MPI_File_write_at(f, 0, buf, len, MPI_BYTE, MPI_STATUS_IGNORE));
	MPI_Barrier(MPI_COMM_WORLD);
	DO(MPI_File_read_at(f, 0, buf, len, MPI_BYTE, MPI_STATUS_IGNORE));
	for (pass = 10; pass < 10u + (unsigned)ranks; pass++)
		if (buf[0] == right(0, pass) && buf[1] == right(1, pass) &&
		    buf[2] == right(2, pass))
			break;
	check("atomic write", buf, 0, len, pass);
	DO(MPI_File_close(&f));
	free(buf);
}

static void put_notes(MPI_File f)
{
	char note[NOTE];

	for (int r = 0; r < ROUNDS; r++) {
		memset(note, 'a' + rank, sizeof(note));
		snprintf(note, sizeof(note), "%d %d", rank, r);
		DO(MPI_File_write_shared(f, note, NOTE, MPI_BYTE,
					 MPI_STATUS_IGNORE));
	}
	MPI_Barrier(MPI_COMM_WORLD);
	memset(note, 'A' + rank, sizeof(note));
	DO(MPI_File_write_ordered(f, note, NOTE, MPI_BYTE, MPI_STATUS_IGNORE));
}

static void look_at_note(const char *note, char *seen, MPI_Offset at)
{
	int who, r;

	if (sscanf(note, "%d %d", &who, &r) != 2 || who < 0 || who >= ranks ||
	    r < 0 || r >= ROUNDS)
		wrong("no note", at);
	if (seen[who * ROUNDS + r]++)
		wrong("a note twice", at);
	for (int i = 16; i < NOTE; i++)
		if (note[i] != 'a' + who)
			wrong("torn note", at + i);
}

/* Each note is there once and whole, and those of the end in order. */
static void shared_pointer(void)
{
	char *seen = calloc((size_t)ranks, ROUNDS), note[NOTE];
	MPI_File f = open_file(MPI_MODE_RDWR);
	MPI_Offset at = 0;

	DO(MPI_File_set_size(f, 0));
	check_size(f, 0);
	MPI_Barrier(MPI_COMM_WORLD);
	put_notes(f);
	everybody_has(f);
	check_size(f, (MPI_Offset)NOTE * ranks * (ROUNDS + 1));
	for (int n = 0; n < ranks * ROUNDS; n++, at += NOTE) {
		DO(MPI_File_read_at(f, at, note, NOTE, MPI_BYTE,
				    MPI_STATUS_IGNORE));
		look_at_note(note, seen, at);
	}
	for (int who = 0; who < ranks; who++, at += NOTE) {
		DO(MPI_File_read_at(f, at, note, NOTE, MPI_BYTE,
				    MPI_STATUS_IGNORE));
		if (note[0] != 'A' + who || note[NOTE - 1] != 'A' + who)
			wrong("not in the ranks' order", at);
	}
	DO(MPI_File_close(&f));
	free(seen);
}

/* It exists, and when it has been deleted it does not. */
static void names(void)
{
	int want = MPI_MODE_CREATE | MPI_MODE_EXCL | MPI_MODE_RDWR;
	MPI_File f;

	if (MPI_File_open(MPI_COMM_WORLD, name, want, MPI_INFO_NULL, &f) ==
	    MPI_SUCCESS)
		wrong("opened with MPI_MODE_EXCL what exists", 0);
	MPI_Barrier(MPI_COMM_WORLD);
	if (!rank)
		DO(MPI_File_delete(name, MPI_INFO_NULL));
	MPI_Barrier(MPI_COMM_WORLD);
	if (MPI_File_open(MPI_COMM_WORLD, name, MPI_MODE_RDONLY, MPI_INFO_NULL,
			  &f) == MPI_SUCCESS)
		wrong("opened what was deleted", 0);
}

int main(int argc, char **argv)
{
	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	if (argc != 2 || ranks > 26)
		wrong("usage: io DIR, with up to 26 ranks", 0);
	snprintf(name, sizeof(name), "%s/file", argv[1]);
	independent();
	collective();
	not_blocking();
	atomic();
	shared_pointer();
	names();
	if (!rank)
		printf("fine\n");
	MPI_Finalize();
	return 0;
}
