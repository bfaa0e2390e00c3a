import { type Rendered, withButtons, withoutButtons } from './blocks.ts'
import type { Standing } from './live-message.ts'
import { because, endText, isByShift, tierOn, whatFor } from './pass-text.ts'
import { quoted } from './slack-text.ts'

/** To the holder of a pass of an incident that has reached somebody else since: it can be theirs. */
export const handOverMessage = ({ grant, end }: Standing, other: Standing): Rendered => {
  const who = `*${quoted(other.grant.who.name, 100)}*`
  const byShift = isByShift(other.grant)
  const title = `${who} ${byShift ? 'is' : 'was'} ${because(other.grant)}${byShift ? '' : ', too'}.`
  if (end !== undefined) return withoutButtons(`${title} Your pass has ended: ${endText(end, grant)}.`)
  if (other.end !== undefined)
    return withoutButtons(`${title} Theirs is over. Yours goes on: ${whatFor(grant)}.`)
  const theirs = other.grant.state === 'active' ? 'They have a pass of their own.' : 'They are offered one.'
  return withButtons(
    `${title} ${theirs} Yours is ${tierOn(grant)}: hand it over? It ends when they have theirs.${byShift ? ' Otherwise it ends some time after they first use theirs.' : ''}`,
    other.grant,
    grant.who,
    [{ action: 'hand-over', text: 'Hand over', style: 'primary' }],
  )
}
