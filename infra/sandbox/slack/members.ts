import { everyone, type Person, SLACK_TEAM } from '../people.ts'

/**
 * What users.info says of those who are no full member of the workspace. A `guest` is in several channels, a
 * `single-channel guest` in one; a `connected` person is of another workspace and shares a channel; a `stranger`
 * is of another workspace and shares none.
 */
export type Standing = 'guest' | 'single-channel guest' | 'deactivated' | 'bot' | 'connected' | 'stranger'

/** Somebody Slack knows: one of the cast, or one who is known to Slack alone. */
export type Member = Pick<Person, 'fullName' | 'email' | 'slack'> & {
  readonly name: string
  readonly standing?: Standing
}

const OTHER_TEAM = 'T0ELSEWHERE'

const member = (name: string, fullName: string, standing: Standing): Member => ({
  name,
  fullName,
  email: `${name}@sandbox.example`,
  slack: {
    team: isOfAnotherTeam(standing) ? OTHER_TEAM : SLACK_TEAM,
    user: `U0${name.toUpperCase()}00001`,
  },
  standing,
})

export const isOfAnotherTeam = (standing: Standing | undefined): boolean =>
  standing === 'connected' || standing === 'stranger'

export const takesDirectMessages = ({ standing }: Member): boolean =>
  standing !== 'deactivated' && standing !== 'bot' && standing !== 'stranger'

/** Those Slack alone knows: people who must get nothing although they can see and click. */
export const outsiders = {
  gus: member('gus', 'Gus Moreau', 'guest'),
  una: member('una', 'Una Silva', 'single-channel guest'),
  ida: member('ida', 'Ida Novak', 'deactivated'),
  otto: member('otto', 'Otto', 'bot'),
  sam: member('sam', 'Sam Elsewhere', 'connected'),
  tia: member('tia', 'Tia Elsewhere', 'stranger'),
} as const satisfies Readonly<Record<string, Member>>

export const members: readonly Member[] = [...everyone, ...Object.values(outsiders)]

export const memberWithId = (user: string): Member | undefined =>
  members.find(({ slack }) => slack.user === user)

export const memberNamed = (name: string): Member | undefined =>
  members.find((one) => one.name === name.toLowerCase())
