/* payload: bodies that no two requests share and nothing can compress. */
#ifndef LOAD_PAYLOAD_H
#define LOAD_PAYLOAD_H

#include "conn.h"

/* Room for bodies of up to ${bytes}.  Errors: EC_ENOMEM. */
enum err payload_init(uint64_t bytes);
/* Give ${r} a body of ${bytes}. */
void payload_set(struct request *r, uint64_t bytes);
/* The next of a fixed row of random numbers. */
uint64_t payload_random(void);

#endif
