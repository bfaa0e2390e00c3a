import type { Redis } from 'ioredis'
import { z } from 'zod'
import { tag } from '#access/adapters/redis/names.ts'
import { everyone } from '#infra/sandbox/people.ts'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import { channelNamed, dmWith } from '#infra/sandbox/slack/workspace.ts'
import { places } from '../../journey/places.ts'
import type { Stack } from '../../running-stack.ts'
import type { GrantBody, History, Life } from './history.ts'
import type { Ledger } from './ledger.ts'

/** How messages say why something ended. */
const endWords: Readonly<Record<string, string>> = {
  expired: 'it ran out',
  revoked: 'it was revoked',
  'incident over': 'the incident ended',
  'handed over': 'the incident went to others',
  superseded: 'another pass covers it',
  withdrawn: 'it was turned down',
  lapsed: 'nobody decided in time',
}

const shownShape = z.object({ channel: z.string(), ts: z.string() })

/** What one occasion is told under: its incident, or the pass itself where it was asked for. */
const occasionOf = ({ id, why }: GrantBody): string => (why.kind === 'page' ? why.incident.id : id)

const lastOf = ({ versions }: Life): GrantBody => versions.at(-1) as GrantBody

type Told = { readonly messages: number; readonly duplicate_messages: number }

/** Everything was told, and says how it ended. What was told twice is counted. */
export const judgeMessages = async (
  stack: Stack,
  redis: Redis,
  { lives }: History,
  ledger: Ledger,
): Promise<Told & { readonly duplicates: Readonly<Record<string, number>> }> => {
  const { slack, pagerduty } = stack.world
  const cards = await readCards(redis)
  const current = new Set([...cards.values()].map(({ channel, ts }) => `${channel} ${ts}`))
  const shown = (place: string, card: string): string | undefined => {
    const at = cards.get(`${place}:${card}`)
    const message = at === undefined ? undefined : slack.messageNow(at)
    return message === undefined ? undefined : messageText(message)
  }
  const all = [...lives.values()].filter(({ versions }) => versions.length > 0)
  const occasions = Map.groupBy(all, (life) => occasionOf(lastOf(life)))
  const counted = { live_messages: 0, summaries: 0, direct_messages: 0, notes: 0 }
  let messages = 0

  for (const [occasion, of] of occasions) {
    const { services, why } = lastOf(of[0] as Life)
    const channel = places.find(({ service }) => services.includes(service))?.channel ?? ''
    const live = shown(`#${channel}`, `occasion/${occasion}`)
    const about = `${occasion} (${of.map(({ id }) => id).join(', ')})`
    if (live === undefined) ledger.violated(`no live message in #${channel} for ${about}`)
    else for (const life of of) judgeLine(live, life, about, ledger)
    const summed = of.filter(({ end }) => end?.state === 'ended').map(({ id }) => id)
    if (summed.length === 0) continue
    const texts = textsIn(stack, channel).filter(isSummary)
    if (!texts.some((text) => summed.every((id) => text.includes(`\`${id}\``))))
      ledger.violated(`no summary in #${channel} for ${about}`)
    if (why.kind !== 'page') continue
    const notes = pagerduty.incidents.logEntriesOf(occasion).flatMap(({ note }) => note ?? [])
    if (!notes.some((note) => summed.every((id) => note.includes(id))))
      ledger.violated(`no note with its summary on incident ${about}; it has ${notes.length}`)
    counted.notes += notes.length - new Set(notes).size
    messages += notes.length
  }

  for (const life of all.filter(({ versions }) => versions[0]?.step === 'offered')) {
    const person = everyone.find(({ subject }) => subject === lastOf(life).who.subject)
    const text = shown(`${person?.slack.team}/${person?.slack.user}`, `offer/${life.id}`)
    if (text === undefined) ledger.violated(`no direct message with the offer ${life.id}`)
    else if (text.includes('[Take]'))
      ledger.violated(`the offer ${life.id} is over and can still be taken: ${text}`)
  }

  for (const { channel } of places) {
    const texts = textsIn(stack, channel).filter(isSummary)
    counted.summaries += texts.length - new Set(texts).size
    const id = channelNamed(channel)?.id
    counted.live_messages += slack
      .messagesIn({ id: id ?? '', name: channel })
      .filter((message) => isLive(messageText(message)) && !current.has(`${id} ${message.ts}`)).length
    messages += textsIn(stack, channel).length
  }
  for (const { slack: user } of everyone) {
    const direct = dmWith(user.user)
    if (direct === undefined) continue
    const said = slack.messagesIn(direct)
    counted.direct_messages += said.filter(({ ts }) => !current.has(`${direct.id} ${ts}`)).length
    messages += said.length
  }
  const duplicate_messages = Object.values(counted).reduce((sum, count) => sum + count, 0)
  return { messages, duplicate_messages, duplicates: counted }
}

const judgeLine = (live: string, { id, versions, end }: Life, about: string, { violated }: Ledger): void => {
  const line = live.split('\n').find((one) => one.includes(`\`${id}\``))
  const had = versions.some(({ state }) => state === 'active') ? ' had ' : ' did not get '
  const words = endWords[end?.cause ?? ''] ?? 'has an end'
  if (line === undefined) violated(`the live message of ${about} says nothing of ${id}: ${live}`)
  else if (!line.includes(had) || !line.includes(words))
    violated(`the live message of ${about} does not say “${had.trim()} … ${words}” of ${id}: ${line}`)
}

const textsIn = ({ world }: Stack, channel: string): string[] => {
  const found = channelNamed(channel)
  return found === undefined ? [] : world.slack.messagesIn(found).map(messageText)
}

const isSummary = (text: string): boolean =>
  text.startsWith('Access during') || text.startsWith('Access, summed up')

const isLive = (text: string): boolean =>
  text.startsWith('Access for incident') || text.startsWith('Access goes on') || /^\w+ \w+ ha[sd] /.test(text)

/** Where each card stands, by its place and name. */
const readCards = async (redis: Redis): Promise<ReadonlyMap<string, z.output<typeof shownShape>>> => {
  const cards = new Map<string, z.output<typeof shownShape>>()
  const prefix = `${tag}:card:`
  for (let cursor = '0'; ; ) {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', 1_000)
    for (const key of keys) {
      const kept = await redis.get(key)
      if (kept !== null) cards.set(key.slice(prefix.length), shownShape.parse(JSON.parse(kept)))
    }
    if (next === '0') return cards
    cursor = next
  }
}
