/* lost_tiers.h - records of tiers that are not configured, or no longer: they are in force as the
 * lowest tier, with its rate and its quota, and who runs the broker is told so in the log. Owned
 * by the core; one thread. */
#ifndef CORE_LOST_TIERS_H
#define CORE_LOST_TIERS_H

struct core;

#define LOST_TIERS_MAX 16u /* told one by one; of the others, how many records */

/* Looks at all records: after they were read, and whenever the table of tiers may be another. */
void lost_tiers_tell(const struct core *core);

#endif
