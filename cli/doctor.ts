import { createClock } from '#access/runtime/clock.ts'
import { diagnose } from './doctor/diagnose.ts'
import { reportOf } from './doctor/report.ts'
import { hasColours, jsonLines } from './print.ts'

export type DoctorOptions = { readonly json?: boolean; readonly retry?: boolean }

/**
 * Prints what is well and what is not with a bot of this environment. With `json` one object a line: `{check, state,
 * what, mend?}`, `state` being ok, warn or fail. Exit code 1 when a check failed.
 */
export const doctor = async (
  { json = false, retry = false }: DoctorOptions,
  environment: NodeJS.ProcessEnv,
): Promise<void> => {
  const lines = await diagnose(environment, { clock: createClock(), retry })
  const text = json ? jsonLines(lines) : reportOf(lines, hasColours(environment))
  const code = lines.some(({ state }) => state === 'fail') ? 1 : 0
  // Whoever did not answer in time is not waited for any longer.
  process.stdout.write(text, () => process.exit(code))
}
