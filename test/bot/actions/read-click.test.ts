import { describe, expect, test } from 'vitest'
import { buttonActions } from '#access/domain/button.ts'
import { readClick } from '#bot/actions/read-click.ts'

const button = { type: 'button', action_id: 'take', block_id: 'decide', value: 'a.b', action_ts: '1.2' }
const body = (changes: object = {}) => ({
  type: 'block_actions',
  user: { id: 'U0ANA00001', username: 'ana', team_id: 'T0SANDBOX' },
  team: { id: 'T0SANDBOX', domain: 'sandbox' },
  channel: { id: 'D0ANA00001', name: 'directmessage' },
  actions: [button],
  response_url: 'http://127.0.0.1:1/actions',
  ...changes,
})
const click = { action: 'take', value: 'a.b', team: 'T0SANDBOX', home: 'T0SANDBOX', user: 'U0ANA00001' }

describe('A click is read', () => {
  test.each(buttonActions)('on %s', (action_id) => {
    const read = readClick(body({ actions: [{ ...button, action_id }] }))
    expect(read).toEqual({ click: { ...click, action: action_id }, channel: 'D0ANA00001' })
  })

  test('of somebody of another workspace as theirs', () => {
    const read = readClick(body({ user: { id: 'U0SAM00001', team_id: 'T0ELSEWHERE' } }))
    expect(read?.click).toMatchObject({ team: 'T0ELSEWHERE', home: 'T0SANDBOX' })
  })

  test('of somebody whose workspace is not said as one of ours', () => {
    expect(readClick(body({ user: { id: 'U0ANA00001' } }))?.click).toEqual(click)
  })

  test.each([
    ['null, as where the app belongs to an organisation', null],
    ['left out', undefined],
  ])('when the workspace is %s', (_, team) => {
    expect(readClick(body({ team }))?.click).toEqual(click)
  })

  test('that came from no channel', () => {
    expect(readClick(body({ channel: undefined }))).toEqual({ click, channel: undefined })
  })
})

describe('No click of ours is', () => {
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'block_actions'],
    ['a list', [body()]],
    ['another kind', body({ type: 'view_submission' })],
    ['a shortcut', body({ type: 'message_action' })],
    ['no action', body({ actions: [] })],
    ['two actions', body({ actions: [button, { ...button, action_id: 'decline' }] })],
    ['the same action twice', body({ actions: [button, button] })],
    ['actions that are no list', body({ actions: button })],
    ['an unknown action', body({ actions: [{ ...button, action_id: 'grant-all' }] })],
    ['an action in other capitals', body({ actions: [{ ...button, action_id: 'Take' }] })],
    ['what every object has', body({ actions: [{ ...button, action_id: '__proto__' }] })],
    ['a select', body({ actions: [{ ...button, type: 'static_select' }] })],
    ['a button without a value', body({ actions: [{ ...button, value: undefined }] })],
    ['a value that is no text', body({ actions: [{ ...button, value: { toString: 'a.b' } }] })],
    ['nobody’s', body({ user: undefined })],
    ['of a user without an id', body({ user: { username: 'ana' } })],
    ['of a user whose id is a list', body({ user: { id: ['U0ANA00001'] } })],
    ['of a workspace that is no workspace', body({ team: 'T0SANDBOX' })],
  ])('%s', (_, given) => {
    expect(readClick(given)).toBeUndefined()
  })
})
