import { nextStep } from './next-step.ts'
import { plain } from './plain.ts'
import type { Told } from './told.ts'

/** A refusal for a terminal, on one line: the status, why, and what to do. */
export const refusalLine = (told: Told): string => {
  const { status, title, service, needs, ask } = told
  const where = service === undefined ? '' : ` (${service}${needs === undefined ? '' : `, needs ${needs}`})`
  const next = ask === undefined ? nextStep(told) : `In Slack: ${ask}`
  return `${plain(`${status} ${title}${where}${next === undefined ? '' : ` ${next}`}`)}\n`
}
