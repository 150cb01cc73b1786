/** The vendors' own client libraries and the dialects read the same answers and send the same requests. */
@NullMarked
package ai.orchestrator.conformance;

import org.jspecify.annotations.NullMarked;
