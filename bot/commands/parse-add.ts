import { parseDuration } from '#access/domain/duration.ts'
import type { Unreadable } from './parse-lock.ts'

/** Somebody, or everybody in a group, by Slack's ids. */
export type Mentioned = { readonly user: string } | { readonly group: string }

/** What the commander of an incident wrote. `duration` is in milliseconds. */
export type AddCommand = {
  readonly verb: 'command'
  /** PagerDuty's id or number. */
  readonly incident: string
  readonly people: readonly Mentioned[]
  /** Names, and labels as `label:x`. */
  readonly services: readonly string[]
  readonly tier?: string
  readonly duration?: number
  readonly reason?: string
}

const longestReason = 500
/** More are never added at once; each mention may stand for many people. */
const mostMentions = 30
const mostServices = 30

/** As Slack writes mentions (https://docs.slack.dev/interactivity/implementing-slash-commands). */
const user = /^<@([UW][A-Z0-9]{2,30})(?:\|[^<>]*)?>$/
const group = /^<!subteam\^(S[A-Z0-9]{2,30})(?:\|[^<>]*)?>$/
/** `Q1ABC…`, `#42`, or the page of the incident, which Slack makes a link. */
const incidentWord =
  /^(?:#?(\d{1,9})|([A-Za-z0-9]{5,64})|<?https:\/\/[a-z0-9.-]{1,100}\/incidents\/([A-Za-z0-9]{1,64})(?:\|[^<>]*)?>?)$/
const serviceWord = /^(?:label:)?[a-z0-9][a-z0-9._-]{0,62}$/

const example = 'command 42 @ana @ben orders-svc,ledger 2h operate'

/** Reads `command 42 @ana @responders orders-svc,label:web operate 2h`; `text` is what stands before `because`. */
export const parseAdd = (text: string, reason: string): AddCommand | Unreadable => {
  const unreadable = (what: string): Unreadable => ({ verb: 'unreadable', what, try: example })
  // A mention may hold spaces; what is listed may be written with spaces around its commas.
  const [incident, ...words] = text.replaceAll(/\s*,\s*/g, ',').match(/<[^<>]*>|[^\s<>]+/g) ?? []
  const named = incident === undefined ? undefined : incidentWord.exec(incident)
  const id = named?.[1] ?? named?.[2] ?? named?.[3]
  if (id === undefined) return unreadable('Say which incident first: its number, id or address in PagerDuty.')
  const people: Mentioned[] = []
  const others: string[] = []
  for (const word of words) {
    const [mentionedUser, mentionedGroup] = [user.exec(word)?.[1], group.exec(word)?.[1]]
    if (mentionedUser !== undefined) people.push({ user: mentionedUser })
    else if (mentionedGroup !== undefined) people.push({ group: mentionedGroup })
    else if (word !== ',') others.push(word.toLowerCase().replaceAll(/^,|,$/g, ''))
  }
  if (people.length === 0) return unreadable('Say whom: mention people or groups.')
  if (people.length > mostMentions) return unreadable(`Mention at most ${mostMentions} people and groups.`)
  const [list, ...rest] = others
  const services = [...new Set((list ?? '').split(',').filter((name) => name !== ''))]
  const wrong = services.find((name) => !serviceWord.test(name))
  if (services.length === 0) return unreadable('Say which services.')
  if (wrong !== undefined) return unreadable(`“${wrong}” is neither a service nor a label such as label:web.`)
  if (services.length > mostServices) return unreadable(`Name at most ${mostServices} services and labels.`)
  if (reason.length > longestReason) return unreadable(`A reason has at most ${longestReason} characters.`)
  const durations = rest.filter((word) => parseDuration(word) !== undefined)
  const tiers = rest.filter((word) => parseDuration(word) === undefined)
  const odd = tiers.find((word) => !/^[a-z][a-z0-9_-]{0,62}$/.test(word))
  if (odd !== undefined)
    return unreadable(`“${odd}” is no tier and no duration I can read. Write 30m, 2h or 1h30m.`)
  if (durations.length > 1 || tiers.length > 1)
    return unreadable(`I don’t understand “${rest.join(' ')}”. A reason begins with “because”.`)
  const duration = durations[0] === undefined ? undefined : parseDuration(durations[0])
  return {
    verb: 'command',
    incident: id,
    people,
    services,
    ...(tiers[0] === undefined ? {} : { tier: tiers[0] }),
    ...(duration === undefined ? {} : { duration }),
    ...(reason === '' ? {} : { reason }),
  }
}
