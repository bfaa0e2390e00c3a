import type { StartedProcess } from './processes.ts'
import { waitReady } from './ready.ts'

/** A process that answers 200 at `url`. One that does not get there, or not before `signal` aborts, is stopped. */
export async function startReady(
  start: () => Promise<StartedProcess>,
  url: string,
  signal: AbortSignal,
): Promise<StartedProcess> {
  signal.throwIfAborted()
  const process = await start()
  try {
    await waitReady(url, { process, signal })
  } catch (error) {
    await process.stop()
    throw error
  }
  return process
}
