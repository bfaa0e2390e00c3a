import type { MessageJob, Place } from '#access/adapters/queues.ts'
import { type End, type Grant, occasionOf } from '#access/domain/grant.ts'
import { kindOfLock, type Lock } from '#access/domain/lock.ts'
import { type Person, principalKey } from '#access/domain/principal.ts'
import type { QuestionTime } from '#access/domain/question-times.ts'
import { belongsTo, type RuleSet } from '#access/domain/rule-set.ts'
import { decidedNotice, othersNotice, waitingNotice, waitsNotice } from '#access/messages/approval-message.ts'
import { type Card, nameOfCard } from '#access/messages/cards.ts'
import { addedNotice } from '#access/messages/command-message.ts'
import { standingText, tookOverNotice, whatFor } from '#access/messages/pass-text.ts'
import { code } from '#access/messages/slack-text.ts'
import { whoDecidesOn } from '#access/operations/who-decides.ts'
import type { Clock, Directory, LiveGrants } from '#access/ports.ts'
import type { AddTo } from './keep-owed.ts'

/** More than so many are not asked by direct message. */
const mostAsked = 30

/**
 * Says what a change of a grant means to people: the live message of its occasion, the offer, the question to those who
 * approve. `sequence` is the number of the event, which makes every job's id: telling twice says it once.
 */
export const createTell = (
  rules: RuleSet,
  directory: Directory,
  messages: AddTo<MessageJob>,
  clock: Clock,
  live: Pick<LiveGrants, 'all'> = { all: () => [] },
) => {
  const add = async (name: string, sequence: number, job: MessageJob): Promise<void> => {
    const to = 'channel' in job.to ? job.to.channel : job.to.user
    await messages.add(name, job, { jobId: `${name}-${sequence}-${to}` })
  }

  const show = (card: Card, to: Place | undefined, sequence: number, ifPosted = false): Promise<void> => {
    if (to === undefined) return Promise.resolve()
    const name = nameOfCard(card)
    const job = { kind: 'card', to, card: name, ...(ifPosted ? { ifPosted } : {}) } as const
    return add(name.replaceAll('/', '-'), sequence, job)
  }

  const showOccasion = async (grant: Grant, occasion: string, sequence: number): Promise<void> => {
    // One message for all that a commander gave, in the channels of what it opens and of what the incident is about.
    if (grant.why.kind === 'command') {
      const { go, about } = grant.why
      const services = [...new Set([...about, ...grant.services])]
      for (const channel of channelsOf(rules, { services }))
        await show({ kind: 'command', go }, { channel }, sequence)
      return
    }
    for (const channel of channelsOf(rules, grant))
      await show({ kind: 'occasion', occasion }, { channel }, sequence)
  }

  /** Beside the live message, which makes no sound when it is updated. */
  const sayInThread = async (grant: Grant, text: string, sequence: number): Promise<void> => {
    const thread = nameOfCard({ kind: 'occasion', occasion: occasionOf(grant) })
    for (const channel of channelsOf(rules, grant))
      await add('offered', sequence, { kind: 'notice', to: { channel }, text, thread })
  }

  const holderOf = (grant: Grant): Place | undefined =>
    directOf(directory.byPrincipal(principalKey(grant.who)))

  /** From when others are asked, too, they are among them. */
  const askedFor = (grant: Grant): Person[] =>
    whoDecidesOn(rules, directory, grant, clock.now())
      .asked.filter(({ slack }) => slack !== undefined)
      .slice(0, mostAsked)

  const askedBefore = (grant: Grant): Person[] => {
    const { approvers } = grant
    if (approvers?.escalate === undefined) return askedFor(grant)
    const { escalate: _others, ...first } = approvers
    return askedFor({ ...grant, approvers: first })
  }

  /** Shows, to everybody who was or is asked something about it, where it stands now. */
  const showDirect = async (grant: Grant, sequence: number): Promise<void> => {
    const { id, step, state, version, ending } = grant
    const holder = holderOf(grant)
    if (state === 'offered' || step === 'taken') await show({ kind: 'offer', grant: id }, holder, sequence)
    for (const person of askedFor(grant))
      await show({ kind: 'approval', grant: id }, directOf(person), sequence, step !== 'asked')
    if (step === 'shortened' || step === 'restored')
      await show({ kind: 'keep', grant: id }, holder, sequence, ending === undefined)
    if (state === 'active' && version > 1)
      await show({ kind: 'reminder', grant: id, version: version - 1 }, holder, sequence, true)
  }

  /** Whoever holds a pass of the same incident for long enough may hand it over to who is paged now. */
  const offerHandOver = async (grant: Grant, sequence: number): Promise<void> => {
    for (const other of besideOf(live, grant))
      if (mayTakeOver(grant, other))
        await show({ kind: 'handover', grant: other.id, other: grant.id }, holderOf(other), sequence)
  }

  /** What is over is handed over no more, nor taken over by. */
  const endHandOver = async (grant: Grant, sequence: number): Promise<void> => {
    for (const other of besideOf(live, grant)) {
      await show({ kind: 'handover', grant: other.id, other: grant.id }, holderOf(other), sequence, true)
      await show({ kind: 'handover', grant: grant.id, other: other.id }, holderOf(grant), sequence, true)
    }
  }

  return {
    /** A new version of a grant. */
    stepped: async (grant: Grant, sequence: number): Promise<void> => {
      await showOccasion(grant, occasionOf(grant), sequence)
      if (grant.why.kind === 'page' && grant.why.mergedFrom !== undefined && grant.step === 'moved')
        await showOccasion(grant, grant.why.mergedFrom, sequence)
      await showDirect(grant, sequence)
      const holder = holderOf(grant)
      if (grant.step === 'approved' && holder !== undefined)
        await add('decided', sequence, { kind: 'notice', to: holder, text: decidedNotice(grant, undefined) })
      if (grant.why.kind === 'command' && grant.version === 1 && holder !== undefined)
        await add('added', sequence, { kind: 'notice', to: holder, text: addedNotice(grant) })
      if (grant.version === 1) await offerHandOver(grant, sequence)
      if (grant.step === 'offered') await sayInThread(grant, standingText(grant), sequence)
      if (grant.step === 'shortened' && grant.ending?.to !== undefined)
        await sayInThread(grant, tookOverNotice(grant, grant.ending.to), sequence)
      if (grant.step !== 'asked' || grant.why.kind !== 'page') return
      const text = waitingNotice(grant, askedFor(grant).length)
      for (const channel of channelsOf(rules, grant))
        await add('waiting', sequence, { kind: 'notice', to: { channel }, text })
    },

    /** A grant that ended or was refused. */
    ended: async (grant: Grant, end: End, sequence: number): Promise<void> => {
      await showOccasion(grant, occasionOf(grant), sequence)
      // With no grace it ends when the other goes to work; who handed it over did so by themself.
      if (
        end.cause === 'handed over' &&
        end.by !== undefined &&
        principalKey(end.by) !== principalKey(grant.who)
      )
        await sayInThread(grant, tookOverNotice(grant, end.by, true), sequence)
      const holder = holderOf(grant)
      if (grant.state === 'offered') await show({ kind: 'offer', grant: grant.id }, holder, sequence)
      for (const person of askedFor(grant))
        await show({ kind: 'approval', grant: grant.id }, directOf(person), sequence, true)
      await show({ kind: 'keep', grant: grant.id }, holder, sequence, true)
      await endHandOver(grant, sequence)
      const { id, version } = grant
      await show({ kind: 'reminder', grant: id, version }, holder, sequence, true)
      const told = grant.approvers !== undefined && (end.cause === 'denied' || end.cause === 'lapsed')
      if (told && holder !== undefined)
        await add('decided', sequence, { kind: 'notice', to: holder, text: decidedNotice(grant, end) })
    },

    /** Somebody is locked out, or somebody agreed to let them in again: to those who may. */
    locked: async (lock: Lock, sequence: number): Promise<void> => {
      const { who = [] } = rules.lock ?? {}
      const lockers = directory
        .activeWhere((person) => belongsTo(rules, who, person, clock.now()))
        .filter(({ slack }) => slack !== undefined)
        .slice(0, mostAsked)
      for (const person of lockers)
        await show({ kind: 'lock', lock: lock.id }, directOf(person), sequence, kindOfLock(lock) === 'lift')
    },

    /** Nobody has decided. Whoever approved one of several is not asked again. */
    askedAgain: async (grant: Grant, what: QuestionTime['what']): Promise<void> => {
      const card = { kind: 'approval', grant: grant.id } as const
      const done = new Set((grant.approvals ?? []).map(principalKey))
      const first = askedBefore(grant)
      const toAsk = askedFor(grant).filter((person) => !done.has(principalKey(person)))
      const others = toAsk.filter((person) => !first.includes(person))
      const name = `${what.replace(' ', '-')}-${grant.id}`
      if (what === 'ask others') {
        for (const person of others) await show(card, directOf(person), 0)
        const holder = holderOf(grant)
        const notice = { kind: 'notice', text: othersNotice(grant, others) } as const
        if (holder !== undefined) await add(name, 0, { ...notice, to: holder })
        for (const channel of grant.why.kind === 'page' ? channelsOf(rules, grant) : [])
          await add(name, 0, { ...notice, to: { channel } })
      }
      for (const person of what === 'ask others' ? [] : toAsk)
        if (person.slack !== undefined)
          await add(name, 0, {
            kind: 'notice',
            to: person.slack,
            text: waitsNotice(grant),
            thread: nameOfCard(card),
          })
    },

    /** A pass that was asked for ahead is access now. */
    begun: async (grant: Grant): Promise<void> => {
      const holder = holderOf(grant)
      const text = `Your pass begins: ${whatFor(grant)}. Pass ${code(grant.id)}.`
      if (holder !== undefined) await add(`begun-${grant.id}`, 0, { kind: 'notice', to: holder, text })
    },

    /** A pass counts as less, or again as what it says, since then. */
    narrowed: (grant: Grant, at: number): Promise<void> => showOccasion(grant, occasionOf(grant), at),

    /** A pass is about to end. */
    reminder: async (grant: Grant): Promise<void> => {
      const holder = holderOf(grant)
      const card = { kind: 'reminder', grant: grant.id, version: grant.version } as const
      // The version is in its name, and what follows shows it again under the number of its own event.
      await show(card, holder, 0)
    },
  }
}
export type Tell = ReturnType<typeof createTell>

const directOf = (person: Person | undefined): Place | undefined => person?.slack

/** The incident channels of the services a grant names. */
export const channelsOf = (rules: RuleSet, { services }: Pick<Grant, 'services'>): string[] => [
  ...new Set(services.flatMap((name) => rules.services.get(name)?.channel ?? [])),
]

/** What others hold or are offered by a page of the same incident. */
const besideOf = (live: Pick<LiveGrants, 'all'>, { why, who }: Grant): Grant[] =>
  why.kind !== 'page'
    ? []
    : [...live.all()]
        .map(({ grant }) => grant)
        .filter(
          (other) =>
            other.why.kind === 'page' &&
            other.why.incident.id === why.incident.id &&
            principalKey(other.who) !== principalKey(who),
        )

/** Who was paged together with others takes nobody's place. */
const laterMs = 300_000

/** Whose shift began takes the place of whose was over. */
const relieves = ({ why }: Grant, { who }: Grant): boolean =>
  why.kind === 'page' && (why.relieves ?? []).some((one) => principalKey(one) === principalKey(who))

const mayTakeOver = (grant: Grant, other: Grant): boolean =>
  grant.state !== 'pending' &&
  other.state === 'active' &&
  other.ending === undefined &&
  (grant.at - other.from >= laterMs || relieves(grant, other)) &&
  (grant.why.kind !== 'page' || grant.why.handedFrom === undefined) &&
  grant.tier === other.tier &&
  other.services.every((name) => grant.services.includes(name))
