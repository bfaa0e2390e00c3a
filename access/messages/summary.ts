import { formatDuration } from '../domain/duration.ts'
import { type End, type Grant, incidentOf } from '../domain/grant.ts'
import { requestsOf, total, type Usage } from '../domain/usage.ts'
import { because, endText, incidentText, tierOn } from './pass-text.ts'
import { clockTime, code, fitting, plural, quoted } from './slack-text.ts'

export type Used = { readonly grant: Grant; readonly end: End; readonly usage: Usage }

/** Together they stay below the 40,000 characters that Slack takes, and the 65,535 of a note in PagerDuty. */
const shownPasses = { most: 10, bytes: 20_000 }
const shownPatterns = { most: 20, bytes: 4_000 }
const shownCounts = 6

/**
 * To the incident channel, when the last pass of an occasion has ended: who had what, for how long, why, and what
 * was done with it. Patterns and counts only: raw paths hold customers' data.
 */
export const summaryMessage = (all: readonly Used[]): string => {
  const first = all[0]?.grant
  const incident = first === undefined ? undefined : incidentOf(first)
  const title = incident === undefined ? '*Access, summed up*' : `*Access during ${incidentText(incident)}*`
  const passes = fitting(
    all.map(aboutOne),
    shownPasses,
    (left) => `And ${plural(left, 'more pass', 'more passes')}.`,
  )
  return [title, ...passes].join('\n\n')
}

const aboutOne = ({ grant, end, usage }: Used): string => {
  const lasted = Math.max(0, Math.min(end.at, grant.until) - grant.from)
  const lines = [
    `*${quoted(grant.who.name, 100)}* had ${tierOn(grant)} for ${formatDuration(lasted)} (${clockTime(grant.from)} to ${clockTime(Math.min(end.at, grant.until))}), ${because(grant)}. It ended because ${endText(end, grant)}. Pass ${code(grant.id)}.`,
    `${plural(requestsOf(usage), 'request')}, ${plural(usage.writes, 'write')}, ${plural(total(usage.refused), 'refusal')}.`,
  ]
  const patterns = Object.entries(usage.patterns).sort(([, a], [, b]) => total(b) - total(a))
  const used = patterns.map(
    ([pattern, statuses]) => `• ${code(pattern)} ${total(statuses)}: ${counts(statuses)}`,
  )
  lines.push(...fitting(used, shownPatterns, (left) => `• and ${plural(left, 'more pattern')}`))
  if (total(usage.refused) > 0) lines.push(`• refused: ${counts(usage.refused)}`)
  return lines.join('\n')
}

/** The keys come from the proxies' reports. */
const counts = (numbers: Readonly<Record<string, number>>): string => {
  const sorted = Object.entries(numbers).sort(([, a], [, b]) => b - a)
  const shown = sorted.slice(0, shownCounts).map(([key, count]) => `${count} × ${quoted(key, 40)}`)
  const rest = sorted.slice(shownCounts).reduce((sum, [, count]) => sum + count, 0)
  return [...shown, ...(rest > 0 ? [`${rest} × other`] : [])].join(', ')
}
