import type { WebClient } from '@slack/web-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { people } from '#infra/sandbox/people.ts'
import { type Member, outsiders } from '#infra/sandbox/slack/members.ts'
import type { Slack } from '#infra/sandbox/slack/slack.ts'
import { clientOf, startSlack } from './a-slack.ts'

let slack: Slack
let client: WebClient

beforeAll(async () => {
  slack = await startSlack()
  client = clientOf(slack)
})
afterAll(() => slack.close())

const flagsOf = async (member: Member) => {
  const { user } = await client.users.info({ user: member.slack.user })
  return {
    team: user?.team_id,
    guest: user?.is_restricted,
    oneChannel: user?.is_ultra_restricted,
    deleted: user?.deleted,
    bot: user?.is_bot,
    stranger: user && 'is_stranger' in user ? user.is_stranger : undefined,
    email: user?.profile?.email,
  }
}

const errorOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'no error',
    (error: { data?: { error?: string } }) => error.data?.error,
  )

describe('Whom Slack knows', () => {
  const full = {
    team: 'T0SANDBOX',
    guest: false,
    oneChannel: false,
    deleted: false,
    bot: false,
    stranger: undefined,
  }
  const { gus, una, ida, otto, sam, tia } = outsiders

  test.each<[string, Member, object]>([
    ['a full member', people.ana, { ...full, email: people.ana.email }],
    ['a guest', gus, { ...full, guest: true, email: gus.email }],
    ['a guest of one channel', una, { ...full, guest: true, oneChannel: true, email: una.email }],
    ['who is deactivated', ida, { ...full, deleted: true, email: ida.email }],
    ['a bot', otto, { ...full, bot: true, email: undefined }],
    ['somebody of a connected workspace', sam, { ...full, team: 'T0ELSEWHERE', email: undefined }],
    [
      'a stranger of another workspace',
      tia,
      { ...full, team: 'T0ELSEWHERE', stranger: true, email: undefined },
    ],
  ])('users.info tells %s apart', async (_who, member, flags) => {
    expect(await flagsOf(member)).toEqual(flags)
  })

  test.each<[string, Member, string]>([
    ['opens with a guest', gus, 'no error'],
    ['opens with somebody of a connected workspace', sam, 'no error'],
    ['refuses who is deactivated', ida, 'user_disabled'],
    ['refuses a bot', otto, 'cannot_dm_bot'],
    ['refuses a stranger', tia, 'user_not_visible'],
  ])('conversations.open %s', async (_what, member, error) => {
    expect(await errorOf(client.conversations.open({ users: member.slack.user }))).toBe(error)
  })

  test.each<[string, Member, string]>([
    ['finds a guest', gus, 'no error'],
    ['does not find who is deactivated', ida, 'users_not_found'],
    ['does not find a bot', otto, 'users_not_found'],
    ['does not find people of another workspace', sam, 'users_not_found'],
  ])('users.lookupByEmail %s', async (_what, member, error) => {
    expect(await errorOf(client.users.lookupByEmail({ email: member.email }))).toBe(error)
  })
})
