/* token_file.h - a token from a file: one line, surrounding space does not count. */
#ifndef BASE_TOKEN_FILE_H
#define BASE_TOKEN_FILE_H

/* 0 and a copy for mem_free(), a negative errno code, or -EBADMSG when the file is
 * empty, too long for a token or has space within. */
int token_file_read(char **out, const char *path);

#endif
