import type { End, Grant } from '../domain/grant.ts'
import type { Rendered } from './blocks.ts'
import { because, incidentText, standingText } from './pass-text.ts'
import { plural } from './slack-text.ts'

export type Standing = { readonly grant: Grant; readonly end?: End }

const shownPasses = 20

/**
 * The one message of an occasion in its channel, updated in place: who has, had, is offered or waits for what. What
 * still stands comes first.
 */
export const liveMessage = (all: readonly Standing[]): Rendered => {
  const sorted = all.toSorted(
    (a, b) => Number(a.end !== undefined) - Number(b.end !== undefined) || b.grant.at - a.grant.at,
  )
  const first = sorted[0]?.grant
  if (first === undefined) return { text: 'Nobody has a pass.' }
  if (first.why.kind === 'request')
    return { text: `${standingText(first, sorted[0]?.end)} It is ${because(first)}.` }
  const more = sorted.length - shownPasses
  const title = incidentText(first.why.incident)
  return {
    text: [
      `*Access for ${title}*`,
      ...sorted.slice(0, shownPasses).map(({ grant, end }) => `• ${standingText(grant, end)}`),
      ...(more > 0 ? [`• and ${plural(more, 'more pass', 'more passes')}`] : []),
    ].join('\n'),
  }
}
