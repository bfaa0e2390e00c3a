import type {
  BeginningJob,
  ExpiryJob,
  IncidentJob,
  QuestionJob,
  ReminderJob,
} from '#access/adapters/queues.ts'
import type { Grant } from '#access/domain/grant.ts'
import { questionTimes } from '#access/domain/question-times.ts'
import { renewsAhead } from '#access/domain/renewal.ts'

/** A job that belongs to a version of a grant. Its id follows from the version, so that making it twice adds nothing. */
export type GrantJob = {
  readonly id: string
  /** When it is due, in milliseconds since the epoch. */
  readonly at: number
} & (
  | { readonly queue: 'expiries'; readonly name: 'expiry'; readonly data: ExpiryJob }
  | { readonly queue: 'beginnings'; readonly name: 'beginning'; readonly data: BeginningJob }
  | { readonly queue: 'questions'; readonly name: 'question'; readonly data: QuestionJob }
  | { readonly queue: 'reminders'; readonly name: 'reminder'; readonly data: ReminderJob }
  | { readonly queue: 'incidents'; readonly name: 'renewal'; readonly data: IncidentJob }
)

const remindAheadMs = 600_000

/** Every job that a version of a grant brings. */
export const jobsOf = (grant: Grant): GrantJob[] => {
  const { id, version, state, step, from, until, begins } = grant
  const all: GrantJob[] = [
    { queue: 'expiries', name: 'expiry', id: `expiry-${id}-${version}`, at: until, data: { grant: id } },
  ]
  if (state === 'active' && begins !== undefined)
    all.push({ queue: 'beginnings', name: 'beginning', id: `beginning-${id}`, at: from, data: { grant: id } })
  if (step === 'asked')
    for (const { at, what } of questionTimes(grant))
      all.push({
        queue: 'questions',
        name: 'question',
        id: `${what.replace(' ', '-')}-${id}`,
        at,
        data: { grant: id, what },
      })
  return state === 'active' ? [...all, ...whileActive(grant)] : all
}

const whileActive = ({ id, version, until, duration, why, ending }: Grant): GrantJob[] => {
  const reminder: GrantJob = {
    queue: 'reminders',
    name: 'reminder',
    id: `reminder-${id}-${version}`,
    at: until - remindAheadMs,
    data: { grant: id, version },
  }
  if (why.kind !== 'page' || ending !== undefined) return [reminder]
  return [
    reminder,
    {
      queue: 'incidents',
      name: 'renewal',
      id: `renewal-${id}-${version}`,
      at: until - renewsAhead(duration),
      data: { incident: why.incident.id },
    },
  ]
}
