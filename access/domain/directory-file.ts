import { z } from 'zod'
import { Fault } from './errors.ts'
import { type Person, principalKey } from './principal.ts'
import { isZone } from './wall-time.ts'

/** The directory as it is signed: who is who, and as of when. */
export const directoryShape = z.strictObject({
  environment: z.string(),
  asOf: z.int(),
  people: z.array(
    z.strictObject({
      issuer: z.string().min(1),
      subject: z.string().min(1),
      name: z.string().min(1).max(100),
      groups: z.array(z.string()),
      roles: z.array(z.string()).readonly().optional(),
      active: z.boolean(),
      zone: z.string().refine(isZone, 'no time zone that is known here').optional(),
      slack: z.strictObject({ team: z.string().min(1), user: z.string().min(1) }).optional(),
      pagerduty: z.strictObject({ account: z.string().min(1), user: z.string().min(1) }).optional(),
    }),
  ),
})

export type DirectoryFile = z.output<typeof directoryShape>

/** Who is not active any more, as of when. */
export type Deactivated = { readonly asOf: number; readonly people: readonly Person[] }

type Known = {
  readonly deactivated: Deactivated
  readonly byPrincipal: (principal: string) => Person | undefined
  readonly activeWhere: (is: (person: Person) => boolean) => readonly Person[]
}

/** Whoever a newer directory says is not active; and who was in the one before, and is not in this one. */
export const withGone = (next: Known, before: Known, alreadyGone: readonly Person[]): Deactivated => {
  const { asOf, people } = next.deactivated
  const known = [...alreadyGone, ...before.activeWhere(() => true)]
  const gone = known.filter((person) => next.byPrincipal(principalKey(person)) === undefined)
  return { asOf, people: [...people, ...gone] }
}

/** Look-ups over a directory file. Faults when two people share an alias. */
export const indexDirectory = (file: DirectoryFile) => {
  const index = (kind: string, keyOf: (person: Person) => string | undefined): Map<string, Person> => {
    const found = new Map<string, Person>()
    for (const entry of file.people) {
      const person = entry as Person
      const key = keyOf(person)
      if (key === undefined) continue
      const other = found.get(key)
      if (other !== undefined) {
        throw new Fault('directory/invalid', `${other.name} and ${person.name} share the ${kind} "${key}"`, {
          mend: 'each alias belongs to one person; correct the directory and sign it again',
        })
      }
      found.set(key, person)
    }
    return found
  }
  const bySlack = index('Slack account', ({ slack }) =>
    slack === undefined ? undefined : `${slack.team} ${slack.user}`,
  )
  const byPagerDuty = index('PagerDuty user', ({ pagerduty }) => pagerduty?.user)
  const byPrincipal = index('principal', principalKey)
  const deactivated: Deactivated = {
    asOf: file.asOf,
    people: [...byPrincipal.values()].filter(({ active }) => !active),
  }
  return {
    deactivated,
    bySlack: (team: string, user: string): Person | undefined => bySlack.get(`${team} ${user}`),
    byPagerDuty: (user: string): Person | undefined => byPagerDuty.get(user),
    byPrincipal: (principal: string): Person | undefined => byPrincipal.get(principal),
    activeWhere: (is: (person: Person) => boolean): Person[] =>
      [...byPrincipal.values()]
        .filter((person) => person.active && is(person))
        .sort((a, b) => a.name.localeCompare(b.name)),
  }
}
