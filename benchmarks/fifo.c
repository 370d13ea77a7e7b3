/* First in, first out, in plain C: what the Polars form is measured against.
 *
 * Rows come in order of time. A row of kind 1 settles its market: it closes all that is held at `price`.
 * Three steps: number the (ticker, subaccount) pairs by hashing, counting-sort the rows by number, then run a
 * queue per market over rows that now lie side by side. Whole numbers throughout.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct { uint64_t hash; uint32_t group; int32_t sub; const uint8_t *text; int64_t size; } Slot; /* group 0: empty */
typedef struct { int64_t delta; int32_t price; uint32_t row; } Step; /* a settlement has no delta */

static uint64_t hash_of(const uint8_t *s, int64_t n, int32_t sub) {
    uint64_t h = 1469598103934665603ULL ^ (uint64_t)(uint32_t)sub, w;
    for (; n >= 8; n -= 8, s += 8) {
        memcpy(&w, s, 8);
        h = (h ^ w) * 0x9E3779B97F4A7C15ULL;
        h ^= h >> 32;
    }
    for (w = 0; n > 0; n--, s++) w = w << 8 | *s;
    h = (h ^ w) * 0x9E3779B97F4A7C15ULL;
    return h ^ (h >> 29);
}

/* Number the pairs 0, 1, ... as they first come. Gives how many there are, or -1 without memory. */
static int64_t encode(int64_t rows, const int64_t *offset, const uint8_t *text, const int32_t *sub, uint32_t *code) {
    enum { AHEAD = 16 };
    uint64_t mask = (1 << 12) - 1, hashes[AHEAD] = {0};
    int64_t groups = 0;
    Slot *table = calloc(mask + 1, sizeof *table);
    for (int64_t next = 0; table && next < rows + AHEAD; next++) {
        int64_t i = next - AHEAD;
        uint64_t h = hashes[next % AHEAD];
        if (next < rows) { /* fetch the slots of later rows while looking at this one */
            hashes[next % AHEAD] = hash_of(text + offset[next], offset[next + 1] - offset[next], sub[next]);
            __builtin_prefetch(&table[hashes[next % AHEAD] & mask]);
        }
        if (i < 0) continue;
        const uint8_t *name = text + offset[i];
        int64_t n = offset[i + 1] - offset[i];
        uint64_t at = h & mask;
        while (table[at].group && !(table[at].hash == h && table[at].sub == sub[i] && table[at].size == n
                                    && !memcmp(table[at].text, name, n))) at = (at + 1) & mask;
        if (!table[at].group) table[at] = (Slot){h, (uint32_t)++groups, sub[i], name, n};
        code[i] = table[at].group - 1;
        if ((uint64_t)groups * 2 > mask) { /* grow and place anew */
            uint64_t wide = mask * 2 + 1;
            Slot *grown = calloc(wide + 1, sizeof *grown);
            for (uint64_t old = 0; grown && old <= mask; old++) {
                uint64_t to = table[old].hash & wide;
                if (!table[old].group) continue;
                while (grown[to].group) to = (to + 1) & wide;
                grown[to] = table[old];
            }
            free(table); table = grown; mask = wide;
        }
    }
    if (!table) return -1;
    free(table);
    return groups;
}

/* Room needed in the output arrays: 2 * rows. `exit` is -1 while open, `exit_price` then too.
 * Prices are those of YES; `amount` is positive where YES was held, else negative. Gives the number of lots. */
int64_t fifo(int64_t rows, const int64_t *offset, const uint8_t *text, const int32_t *sub, const int8_t *kind,
             const int64_t *delta, const int64_t *price,
             int64_t *entry, int64_t *exit, int64_t *amount, int64_t *entry_price, int64_t *exit_price) {
    uint32_t *code = malloc(sizeof *code * rows);
    Step *steps = malloc(sizeof *steps * rows);
    int64_t groups = code ? encode(rows, offset, text, sub, code) : -1, lots = -1;
    int64_t *start = groups < 0 ? NULL : calloc(groups + 1, sizeof *start);
    if (!code || !steps || !start) goto done;
    for (int64_t i = 0; i < rows; i++) start[code[i] + 1]++;
    for (int64_t g = 0; g < groups; g++) start[g + 1] += start[g];
    for (int64_t i = 0; i < rows; i++)
        steps[start[code[i]]++] = (Step){kind[i] ? 0 : delta[i], (int32_t)price[i], (uint32_t)i};
    lots = 0;
#define EMIT(e, x, a, ep, xp) \
    (entry[lots] = (e), exit[lots] = (x), amount[lots] = (a), entry_price[lots] = (ep), exit_price[lots] = (xp), lots++)
    for (int64_t g = 0, at = 0; g < groups; g++) { /* the queue: steps[head..tail), written over rows already read */
        int64_t head = at, tail = at;
        for (; at < start[g]; at++) {
            Step step = steps[at];
            if (!step.delta) {
                for (; head < tail; head++)
                    EMIT(steps[head].row, step.row, steps[head].delta, steps[head].price, step.price);
                continue;
            }
            while (step.delta && head < tail && (steps[head].delta > 0) != (step.delta > 0)) {
                int64_t held = llabs(steps[head].delta), size = llabs(step.delta), take = held < size ? held : size;
                int64_t part = step.delta > 0 ? -take : take;
                EMIT(steps[head].row, step.row, part, steps[head].price, step.price);
                steps[head].delta -= part;
                step.delta += part;
                if (!steps[head].delta) head++;
            }
            if (step.delta) steps[tail++] = step;
        }
        for (; head < tail; head++) EMIT(steps[head].row, -1, steps[head].delta, steps[head].price, -1);
    }
done:
    free(code); free(steps); free(start);
    return lots;
}
