import { describe, expect, test } from 'vitest'
import { messageText, mrkdwnText } from '#infra/sandbox/slack/plain-text.ts'
import { transcript } from '#infra/sandbox/slack/transcript.ts'

describe('A message as a person reads it', () => {
  test.each([
    ['marks', '*bold* _slanted_ ~gone~', 'bold slanted gone'],
    ['names with underscores and products', 'snake_case_name and 2*3*4', 'snake_case_name and 2*3*4'],
    ['code, as it is', 'run `/access *x* &lt;now&gt;`', 'run `/access *x* <now>`'],
    ['people and channels', '<@U0ANA00001> in <#C0INCORDER> or <#C1|else>', '@ana in #inc-orders or #else'],
    [
      'links',
      '<https://a.example|the log> <https://b.example>',
      'the log (https://a.example) https://b.example',
    ],
    ['times', 'until <!date^1767225600^{time}|12:00 AM>', 'until 12:00 AM'],
    ['escapes', 'a &lt;b&gt; &amp;amp;', 'a <b> &amp;'],
  ])('shows %s', (_what, mrkdwn, text) => {
    expect(mrkdwnText(mrkdwn)).toBe(text)
  })

  test('shows blocks in place of the text, buttons in brackets', () => {
    const text = messageText({
      text: 'fallback',
      blocks: [
        { type: 'header', text: { type: 'plain_text', text: 'Pass' } },
        { type: 'section', fields: [{ type: 'mrkdwn', text: '*For* ana' }] },
        { type: 'divider' },
        { type: 'actions', elements: [{ type: 'button', text: { type: 'plain_text', text: 'Approve' } }] },
      ],
    })
    expect(text).toBe('Pass\nFor ana\n---\n[Approve]')
  })
})

test('A transcript is oldest first, with the replies indented below their parent', () => {
  const message = { channel: 'C0INCORDER', user: 'U0PAGEPASS' }
  const text = transcript([
    { ...message, ts: '1767225600.000000', text: 'parent' },
    { ...message, ts: '1767225601.000000', text: 'other' },
    { ...message, ts: '1767225602.000000', text: 'reply', thread_ts: '1767225600.000000' },
  ])
  expect(text.split('\n')).toEqual([
    '00:00:00 pagepass:',
    '  parent',
    '    00:00:02 pagepass:',
    '      reply',
    '00:00:01 pagepass:',
    '  other',
  ])
})
