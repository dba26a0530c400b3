#include "lines.h"

#include "wait.h"

void lines_init(struct lines *lines, size_t bytes_max, uint64_t wanted)
{
    *lines = (struct lines){.bytes_max = bytes_max, .wanted = wanted};
    pthread_mutex_init(&lines->lock, NULL);
}

void lines_finish(struct lines *lines)
{
    buf_finish(&lines->waiting);
    buf_finish(&lines->writing);
    pthread_mutex_destroy(&lines->lock);
}

bool lines_add(struct lines *lines, struct slice line)
{
    pthread_mutex_lock(&lines->lock);
    bool first = lines->waiting.len == 0;
    bool room = line.len < lines->bytes_max - lines->waiting.len;
    bool accepted = room && lines->accepted < lines->wanted;
    if (accepted) {
        buf_append(&lines->waiting, line.data, line.len);
        buf_append(&lines->waiting, "\n", 1);
        lines->accepted++;
    }
    pthread_mutex_unlock(&lines->lock);
    if (accepted && first)
        wait_wake();
    return accepted;
}

int lines_write(struct lines *lines, const struct cli *cli)
{
    pthread_mutex_lock(&lines->lock);
    struct buf full = lines->waiting;
    lines->waiting = lines->writing;
    uint64_t accepted = lines->accepted;
    pthread_mutex_unlock(&lines->lock);
    int code = cli_write(cli, buf_slice(&full));
    full.len = 0;
    lines->writing = full;
    lines->written = accepted;
    return code;
}

bool lines_complete(const struct lines *lines)
{
    return lines->written >= lines->wanted;
}

int lines_judge(const struct lines *lines, const struct cli *cli)
{
    if (lines->wanted == UINT64_MAX || lines_complete(lines))
        return EXIT_OK;
    return cli_fail(cli, EXIT_NOBODY, "only %llu of %llu events came in time",
                    (unsigned long long)lines->written, (unsigned long long)lines->wanted);
}
