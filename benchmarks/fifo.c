/* First in, first out, in plain C: what the Polars form is measured against.
 *
 * Rows come in order of time. A row of kind 1 settles its market: it closes all that is held at `price`.
 * Three steps: number the (ticker, subaccount) pairs by hashing, counting-sort the rows by number, then run a
 * queue per market. Whole numbers throughout.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(const uint8_t *s, int64_t n, int32_t sub) {
    uint64_t h = 1469598103934665603ULL ^ (uint64_t)(uint32_t)sub;
    for (; n >= 8; n -= 8, s += 8) {
        uint64_t w;
        memcpy(&w, s, 8);
        h = (h ^ w) * 0x9E3779B97F4A7C15ULL;
        h ^= h >> 32;
    }
    for (; n > 0; n--, s++) h = (h ^ *s) * 1099511628211ULL;
    return h ^ (h >> 29);
}

/* Number the pairs 0, 1, ... as they first come. Gives how many there are, or -1 without memory. */
static int64_t encode(int64_t rows, const int64_t *offset, const uint8_t *text, const int32_t *sub, uint32_t *code) {
    uint64_t mask = (1 << 12) - 1;
    int64_t *first = malloc(sizeof *first * (mask + 1)), *repr = malloc(sizeof *repr * rows), groups = 0;
    uint64_t *known = malloc(sizeof *known * rows);
    if (!first || !repr || !known) { free(first); free(repr); free(known); return -1; }
    memset(first, 0xff, sizeof *first * (mask + 1));
    for (int64_t i = 0; i < rows; i++) {
        int64_t n = offset[i + 1] - offset[i];
        uint64_t h = hash_of(text + offset[i], n, sub[i]), at = h & mask;
        for (;; at = (at + 1) & mask) {
            int64_t g = first[at];
            if (g < 0) {
                repr[groups] = i; known[groups] = h; first[at] = groups; code[i] = (uint32_t)groups++;
                break;
            }
            int64_t r = repr[g];
            if (known[g] == h && sub[r] == sub[i] && offset[r + 1] - offset[r] == n
                && !memcmp(text + offset[r], text + offset[i], n)) {
                code[i] = (uint32_t)g;
                break;
            }
        }
        if ((uint64_t)groups * 2 > mask) { /* grow and place anew */
            mask = mask * 2 + 1;
            free(first);
            first = malloc(sizeof *first * (mask + 1));
            if (!first) { free(repr); free(known); return -1; }
            memset(first, 0xff, sizeof *first * (mask + 1));
            for (int64_t g = 0; g < groups; g++) {
                uint64_t to = known[g] & mask;
                while (first[to] >= 0) to = (to + 1) & mask;
                first[to] = g;
            }
        }
    }
    free(first); free(repr); free(known);
    return groups;
}

/* Room needed in the output arrays: 2 * rows. `exit` is -1 while open, `exit_price` then too.
 * Prices are those of YES; `amount` is positive where YES was held, else negative. Gives the number of lots. */
int64_t fifo(int64_t rows, const int64_t *offset, const uint8_t *text, const int32_t *sub, const int8_t *kind,
             const int64_t *delta, const int64_t *price,
             int64_t *entry, int64_t *exit, int64_t *amount, int64_t *entry_price, int64_t *exit_price) {
    uint32_t *code = malloc(sizeof *code * rows), *sorted = malloc(sizeof *sorted * rows);
    uint32_t *queue = malloc(sizeof *queue * rows);
    int64_t groups = encode(rows, offset, text, sub, code), lots = -1;
    int64_t *start = groups < 0 ? NULL : calloc(groups + 1, sizeof *start);
    int64_t *left = malloc(sizeof *left * rows);
    if (!code || !sorted || !queue || !start || !left) goto done;
    for (int64_t i = 0; i < rows; i++) start[code[i] + 1]++;
    for (int64_t g = 0; g < groups; g++) start[g + 1] += start[g];
    for (int64_t i = 0; i < rows; i++) sorted[start[code[i]]++] = (uint32_t)i;
    lots = 0;
#define EMIT(e, x, a, ep, xp) \
    (entry[lots] = (e), exit[lots] = (x), amount[lots] = (a), entry_price[lots] = (ep), exit_price[lots] = (xp), lots++)
    for (int64_t g = 0, at = 0; g < groups; g++) {
        int64_t head = 0, tail = 0;
        for (; at < start[g]; at++) {
            uint32_t i = sorted[at];
            int64_t d = delta[i];
            if (kind[i]) {
                for (; head < tail; head++) EMIT(queue[head], i, left[head], price[queue[head]], price[i]);
                continue;
            }
            while (d && head < tail && (left[head] > 0) != (d > 0)) {
                int64_t held = left[head] > 0 ? left[head] : -left[head], size = d > 0 ? d : -d;
                int64_t take = held < size ? held : size, part = d > 0 ? -take : take;
                EMIT(queue[head], i, part, price[queue[head]], price[i]);
                left[head] -= part;
                d += part;
                if (!left[head]) head++;
            }
            if (d) { queue[tail] = i; left[tail++] = d; }
        }
        for (; head < tail; head++) EMIT(queue[head], -1, left[head], price[queue[head]], -1);
    }
done:
    free(code); free(sorted); free(queue); free(start); free(left);
    return lots;
}
