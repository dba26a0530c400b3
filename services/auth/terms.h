/* terms.h - on what terms somebody calls, as the broker says it of their token (bus.me). Text is
 * borrowed from the reply. */
#ifndef AUTH_TERMS_H
#define AUTH_TERMS_H

#include "farebox.h"
#include "token/token.h"

#define TERMS_FEATURES_MAX 64u

struct terms {
    fbx_value me; /* the whole */
    char tier[64], status[32], billing_customer[129];
    char feature_room[TERMS_FEATURES_MAX][64];
    char *features[TERMS_FEATURES_MAX];
    size_t n_features;
    struct token_limits limits;
};

/* False: the reply makes no sense. */
bool terms_read(struct terms *terms, const fbx_reply *reply);
/* Into the claims, which borrow. */
void terms_claim(struct terms *terms, struct token_claims *claims);
/* Appends "context" and the map that clients are told. */
void terms_write_context(fbx_writer *w, const struct terms *terms);

#endif
