import { type PersonName, people } from '../people.ts'

export type Usergroup = {
  readonly id: string
  readonly handle: string
  readonly users: readonly string[]
  readonly disabled?: true
}

const group = (id: string, handle: string, names: readonly PersonName[]): Usergroup => ({
  id,
  handle,
  users: names.map((name) => people[name].slack.user),
})

export const usergroups: readonly Usergroup[] = [
  group('S0RESPOND1', 'responders', ['ana', 'ben', 'cho', 'dan']),
  group('S0NOBODY01', 'nobody', []),
  { ...group('S0BEFORE01', 'before', ['ana']), disabled: true },
]
