import { type End, type Grant, incidentOf } from '../domain/grant.ts'
import type { Rendered } from './blocks.ts'
import { incidentText, reasonText, standingText } from './pass-text.ts'
import { fitting, plural } from './slack-text.ts'

export type Standing = {
  readonly grant: Grant
  readonly end?: End
  /** The tiers that it counts as, where PagerDuty does not confirm its incident. */
  readonly narrowed?: readonly string[]
}

/** An update takes no more (https://docs.slack.dev/reference/methods/chat.update). */
const longestUpdate = 4_000
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
  const incident = incidentOf(first)
  if (incident === undefined) return { text: `${standingText(first, sorted[0]?.end)} ${reasonText(first)}` }
  const title = `*Access for ${incidentText(incident)}*`
  const lines = fitting(
    sorted.map(({ grant, end, narrowed }) => `• ${standingText(grant, end, narrowed)}`),
    { most: shownPasses, bytes: longestUpdate - Buffer.byteLength(title) - 40 },
    (left) => `• and ${plural(left, 'more pass', 'more passes')}`,
  )
  return { text: [title, ...lines].join('\n') }
}

/** In its place when the incident was merged: nothing is left under it. */
export const movedMessage = (grant: Grant): Rendered => {
  const incident = incidentOf(grant)
  return {
    text:
      incident === undefined
        ? 'Access goes on elsewhere.'
        : `Access goes on under ${incidentText(incident)}.`,
  }
}
