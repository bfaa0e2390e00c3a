import { buttonValue } from '../domain/button.ts'
import type { End, Grant } from '../domain/grant.ts'
import { type Rendered, section, withoutButtons } from './blocks.ts'
import type { Standing } from './live-message.ts'
import { endText, incidentText, lastingText, tierOn, whatFor } from './pass-text.ts'
import { code, cutMarkup, cutMarkupToBytes, fitting, plural, quoted } from './slack-text.ts'

/** Below what an update takes (4,000 bytes) and a section (3,000 characters). */
const most = { bytes: 3_900, characters: 2_990 }
const shownLines = { most: 40, bytes: 2_400 }
const shownNames = { most: 20, bytes: 900 }
const longestReason = 200

/**
 * The one message in the channel about all that a commander gave in one go: who has what until when. What is the same for
 * several people is one line. The button works for whoever may end it, which only their click tells.
 */
export const commandMessage = (all: readonly Standing[]): Rendered => {
  const sorted = all.toSorted((a, b) => (a.grant.id < b.grant.id ? -1 : 1))
  const [first] = sorted
  if (first?.grant.why.kind !== 'command') return { text: 'Nobody has a pass.' }
  const { incident, commander, reason } = first.grant.why
  const because = reason === undefined ? '' : `, because ${quoted(reason, longestReason)}`
  const title = `*${quoted(commander.name, 100)}* added people to ${incidentText(incident)}${because}:`
  const lines = fitting(linesOf(sorted), shownLines, (left) => `• and ${plural(left, 'more line')}`)
  const text = cutMarkup(cutMarkupToBytes([title, ...lines].join('\n'), most.bytes), most.characters)
  if (!sorted.some(({ end }) => end === undefined)) return withoutButtons(text)
  return {
    text,
    blocks: [
      section(text),
      {
        type: 'actions',
        block_id: 'decide',
        elements: [
          {
            type: 'button',
            action_id: 'end-all',
            text: { type: 'plain_text', text: 'End all' },
            value: buttonValue(first.grant, 'end-all', commander),
            style: 'danger',
          },
        ],
      },
    ],
  }
}

/** What stands comes first. */
const linesOf = (all: readonly Standing[]): string[] => {
  const people = new Map<string, string[]>()
  for (const { grant, end } of all.toSorted(
    (a, b) => Number(a.end !== undefined) - Number(b.end !== undefined),
  )) {
    const what = standsFor(grant, end)
    people.set(what, [...(people.get(what) ?? []), `*${quoted(grant.who.name, 100)}* (${code(grant.id)})`])
  }
  return [...people].map(([what, names]) => {
    const shown = fitting(names, shownNames, (left) => `and ${left} more`)
    return `• ${what}: ${shown.join(', ')}`
  })
}

const standsFor = (grant: Grant, end: End | undefined): string => {
  if (end !== undefined) return `no more: ${tierOn(grant)}, ${endText(end, grant)}`
  return grant.state === 'active'
    ? whatFor(grant)
    : `waits for an approval of ${tierOn(grant)} for ${lastingText(grant)}`
}

/** To whom a commander added: what they have, or wait for. */
export const addedNotice = (grant: Grant): string => {
  const { why } = grant
  if (why.kind !== 'command') return ''
  const by = `*${quoted(why.commander.name, 100)}* added you to ${incidentText(why.incident)}.`
  return grant.state === 'active'
    ? `${by} You have a pass: ${whatFor(grant)}. Pass ${code(grant.id)}.`
    : `${by} Others were asked to approve ${tierOn(grant)} for ${lastingText(grant)}. Request ${code(grant.id)}.`
}

/** To who ended it all. */
export const endedAllText = (ended: readonly Grant[], left: number, receipt: string): string => {
  const others =
    left === 0
      ? ''
      : ` ${plural(left, 'pass', 'passes')} for services that you don’t own ${left === 1 ? 'goes' : 'go'} on.`
  return `Ended: ${plural(ended.length, 'pass', 'passes')}. ${receipt}${others}`
}
