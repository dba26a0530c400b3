/* faults.h - what goes wrong, and that it stops. */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

struct world;

/* Strikes again and again while the world is busy. */
void faults_begin(struct world *world);
/* Everything that was broken on purpose is mended; what is dead comes back. */
void faults_mend(struct world *world);

#endif
