/* SPDX-License-Identifier: ISC */
/*
 * What is sent and what must come back.  A text is a cycle of messages, one
 * behind the other in memory, and their answers lie behind one another in the
 * same way.  So a connection is at one place in each, a send and a comparison
 * run over as many messages as there are, and all answers are known before the
 * first is measured.  All connections share it.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

/* The longest message, and the longest file, in bytes. */
#define TEXT_MESSAGE_MAX ((size_t)16 << 20)
#define TEXT_FILE_MAX    ((size_t)64 << 20)

/* What the server makes of a message. */
enum text_answer {
	TEXT_UPPER, /* upper case, as upcased does */
	TEXT_SAME   /* nothing: it is an echo */
};

/* Where a message and its answer start. */
struct text_place {
	size_t question, answer;
};

struct text {
	unsigned char *questions;
	unsigned char *answers; /* the same memory if they are the same */
	size_t nmessages;
	size_t longest;            /* question, in bytes */
	struct text_place *places; /* of each, and of the end behind them */
};

enum text_outcome {
	TEXT_MADE,
	TEXT_NO_MEMORY,
	TEXT_UNREADABLE, /* errno has the reason */
	TEXT_TOO_LONG,   /* more than TEXT_FILE_MAX */
	TEXT_EMPTY,
	TEXT_NOT_UTF8,
	TEXT_TOO_NARROW /* a character is longer than the messages */
};

/*
 * Makes messages of the given size, of letters of both cases, digits and
 * blanks, each but those of one byte with a newline at its end.  They differ
 * as far as their size lets them, so that a swap of answers is noticed.
 */
enum text_outcome text_make(struct text *, size_t size, enum text_answer);

/*
 * Takes n bytes, which must have come from malloc and become the text's, and
 * cuts them at ends of characters into messages of at most size bytes; 0: one
 * message.
 */
enum text_outcome text_cut(struct text *, unsigned char *bytes, size_t n,
    size_t size, enum text_answer);

/* The same with the content of a file. */
enum text_outcome text_read(
    struct text *, const char *path, size_t size, enum text_answer);

void text_free(struct text *);

static inline size_t
text_question_length(const struct text *text, size_t i)
{
	return text->places[i + 1].question - text->places[i].question;
}

static inline size_t
text_answer_length(const struct text *text, size_t i)
{
	return text->places[i + 1].answer - text->places[i].answer;
}

/* The bytes of all questions, and of all answers. */
static inline struct text_place
text_end(const struct text *text)
{
	return text->places[text->nmessages];
}

#endif
