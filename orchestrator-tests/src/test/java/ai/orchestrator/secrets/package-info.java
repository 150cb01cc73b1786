/** Keys appear nowhere: in no log line, exception, {@code toString} or meter (P6). */
@NullMarked
package ai.orchestrator.secrets;

import org.jspecify.annotations.NullMarked;
