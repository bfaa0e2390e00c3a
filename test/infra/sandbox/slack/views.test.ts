import type { WebClient } from '@slack/web-api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { people } from '#infra/sandbox/people.ts'
import type { Slack } from '#infra/sandbox/slack/slack.ts'
import { startRecorder } from '../recorder.ts'
import { clientOf, startSlack } from './a-slack.ts'

let slack: Slack
let bot: Awaited<ReturnType<typeof startRecorder>>
let client: WebClient
let now: number

beforeEach(async () => {
  now = Date.UTC(2026, 0, 1)
  bot = await startRecorder(() => ({ status: 200 }))
  slack = await startSlack({ bot: { eventsUrl: `${bot.url}/slack/events` }, now: () => now })
  client = clientOf(slack)
})
afterEach(async () => {
  await slack.close()
  await bot.close()
})

const newTrigger = async (): Promise<string> => {
  await slack.sendCommand(people.ana, '/access', '')
  return new URLSearchParams(bot.requests.at(-1)?.body).get('trigger_id') ?? expect.fail('no trigger_id')
}

const plain = (length: number) => ({ type: 'plain_text' as const, text: 'x'.repeat(length) })
const divider = { type: 'divider' as const }
const modal = (changes: object = {}) => ({
  type: 'modal' as const,
  title: plain(24),
  blocks: [divider],
  ...changes,
})

type Refusal = { readonly error: string; readonly errors?: readonly string[] }

const open = (trigger_id: string, view = modal()): Promise<Refusal> =>
  client.views.open({ trigger_id, view }).then(
    () => ({ error: 'no error' }),
    ({ data }: { data: Refusal }) => data,
  )

describe('A trigger_id', () => {
  test('opens one modal, for who caused it', async () => {
    const opened = await client.views.open({
      trigger_id: await newTrigger(),
      view: modal({
        callback_id: 'grant',
        private_metadata: 'x'.repeat(3000),
        submit: plain(24),
        blocks: [
          { type: 'input', label: plain(1), element: { type: 'plain_text_input', action_id: 'reason' } },
        ],
      }),
    })
    expect(opened.view).toMatchObject({ callback_id: 'grant', type: 'modal', team_id: 'T0SANDBOX' })
    expect(slack.viewsOf(people.ana)).toMatchObject([{ id: opened.view?.id, callback_id: 'grant' }])
    expect(slack.viewsOf(people.ben)).toEqual([])
  })

  test('is used up then', async () => {
    const trigger = await newTrigger()
    await open(trigger)
    expect((await open(trigger)).error).toBe('exchanged_trigger_id')
  })

  test.each([
    ['is good for three seconds', 3000, 'no error'],
    ['is no good after that', 3001, 'expired_trigger_id'],
  ])('%s', async (_what, milliseconds, error) => {
    const trigger = await newTrigger()
    now += milliseconds
    expect((await open(trigger)).error).toBe(error)
  })

  test('that Slack never gave is invalid', async () => {
    expect((await open('1.T0SANDBOX.x')).error).toBe('invalid_trigger_id')
  })

  test('stays good when the view is refused', async () => {
    const trigger = await newTrigger()
    expect((await open(trigger, modal({ title: plain(25) }))).error).toBe('invalid_arguments')
    expect((await open(trigger)).error).toBe('no error')
  })
})

test.each([
  ['a title of 25', { title: plain(25) }, '/view/title/text'],
  ['a button of 25', { submit: plain(25) }, '/view/submit/text'],
  ['private_metadata of 3001', { private_metadata: 'x'.repeat(3001) }, '/view/private_metadata'],
  ['101 blocks', { blocks: Array.from({ length: 101 }, () => divider) }, '/view/blocks'],
  [
    'an input and nothing to send it with',
    { blocks: [{ type: 'input', label: plain(1), element: { type: 'plain_text_input' } }] },
    '/view/submit',
  ],
])('A modal may not have %s', async (_what, changes, pointer) => {
  const { error, errors } = await open(await newTrigger(), modal(changes))
  expect(error).toBe('invalid_arguments')
  expect(errors).toContainEqual(expect.stringContaining(pointer))
})
