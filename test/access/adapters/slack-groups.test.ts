import { afterEach, describe, expect, test } from 'vitest'
import { createSlackGroups } from '#access/adapters/slack/groups.ts'
import { people } from '#infra/sandbox/people.ts'
import { createSlack, type Slack } from '#infra/sandbox/slack/slack.ts'

let slack: Slack
const aSlack = async (botScopes?: readonly string[]) => {
  slack = createSlack({
    botToken: 'xoxb-test',
    signingSecret: 'secret',
    bot: { eventsUrl: 'http://127.0.0.1:1' },
    ...(botScopes === undefined ? {} : { botScopes }),
  })
  await slack.listen(0)
  return createSlackGroups(slack.apiUrl(), 'xoxb-test')
}
afterEach(() => slack.close())

describe('Who is in a group of Slack', () => {
  test('is told by Slack', async () => {
    const { ana, ben, cho, dan } = people
    const users = [ana, ben, cho, dan].map((one) => one.slack.user)
    const groups = await aSlack()
    expect(await groups.usersOf('S0RESPOND1')).toEqual(users)
    expect(await groups.usersOf('S0NOBODY01')).toEqual([])
  })

  test.each([
    ['there is none', 'S0NOSUCH01', undefined, 'no_such_subteam', 'a group of this workspace'],
    ['it is disabled', 'S0BEFORE01', undefined, 'no_such_subteam', 'a group of this workspace'],
    ['the app lacks the scope', 'S0RESPOND1', ['chat:write'], 'missing_scope', 'usergroups:read'],
  ])('is not told where %s', async (_, group, scopes, says, mend) => {
    const groups = await aSlack(scopes)
    await expect(groups.usersOf(group)).rejects.toMatchObject({
      code: 'slack/failed',
      message: expect.stringContaining(says),
      mend: expect.stringContaining(mend),
    })
  })

  test.each(['429', '500', 'timeout'] as const)('is not told where Slack is unwell: %s', async (kind) => {
    const groups = await aSlack()
    slack.fail({ kind, count: 1 })
    await expect(groups.usersOf('S0RESPOND1')).rejects.toMatchObject({ code: 'slack/failed' })
  })
})
