/* versions: what -V says of the codec below a tool's own version. */
#ifndef VERSIONS_H
#define VERSIONS_H

/* For opt_versions(): libraries, then kernels in use. */
const char *versions_text(void);

#endif
