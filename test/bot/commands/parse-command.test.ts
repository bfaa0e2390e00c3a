import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Command, parseCommand } from '#bot/commands/parse-command.ts'
import { hour, minute } from '../../builders.ts'

describe('What somebody writes after /access', () => {
  test.each<[string, string, Command]>([
    ['nothing', '', { verb: 'help' }],
    ['help', 'help', { verb: 'help' }],
    ['list', 'list', { verb: 'list' }],
    ['a verb in capitals', ' LIST ', { verb: 'list' }],
    [
      'preview, and what grant takes',
      'preview orders-svc 2h admin from sat 22:00 because stuck',
      {
        verb: 'preview',
        service: 'orders-svc',
        duration: 2 * hour,
        tier: 'admin',
        from: 'sat 22:00',
        reason: 'stuck',
      },
    ],
    ['withdraw and an id', 'withdraw aaaa-bbbb-cccc', { verb: 'revoke', pass: 'aaaa-bbbb-cccc' }],
    ['hand over', 'handover Orders-SVC', { verb: 'handover', pass: 'orders-svc' }],
    [
      'hand over to somebody',
      'handover orders-svc <@U0CHO00001|cho>',
      { verb: 'handover', pass: 'orders-svc', to: 'U0CHO00001' },
    ],
    ...['@cho', 'cho', '<@cho>', '<!channel>', '<@U0CHO00001|cho> <@U0BEN00001>'].map(
      (to): [string, string, Command] => [
        `hand over to ${to}`,
        `handover orders-svc ${to}`,
        { verb: 'unreadable', what: 'Say which one pass, and to whom.', try: 'handover orders-svc @ana' },
      ],
    ),
    [
      'a reason in which Slack marked names and links',
      'grant orders-svc because <@U0CHO00001|cho> in <#C0INC00001|inc> says <https://x.test/1|x.test>',
      { verb: 'grant', service: 'orders-svc', reason: '@cho in #inc says https://x.test/1' },
    ],
    ['revoke and a service', 'revoke orders-svc', { verb: 'revoke', pass: 'orders-svc' }],
    ['revoke and an id in capitals', 'revoke AAAA-BBBB-CCCC', { verb: 'revoke', pass: 'aaaa-bbbb-cccc' }],
    ['extend and a service', 'extend orders-svc', { verb: 'extend', pass: 'orders-svc' }],
    [
      'extend and how much longer',
      'Extend Orders-SVC 1H30M',
      { verb: 'extend', pass: 'orders-svc', duration: 90 * minute },
    ],
    [
      'extend, an id and a time',
      'extend AAAA-BBBB-CCCC 30m',
      { verb: 'extend', pass: 'aaaa-bbbb-cccc', duration: 30 * minute },
    ],
    ['grant and a service', 'grant orders-svc', { verb: 'grant', service: 'orders-svc' }],
    ['a time', 'grant orders-svc 2h', { verb: 'grant', service: 'orders-svc', duration: 2 * hour }],
    [
      'a time of two units',
      'grant orders-svc 1h30m',
      { verb: 'grant', service: 'orders-svc', duration: 90 * minute },
    ],
    [
      'a time and a tier',
      'grant orders-svc 2h operate',
      { verb: 'grant', service: 'orders-svc', duration: 2 * hour, tier: 'operate' },
    ],
    ['a tier alone', 'grant orders-svc operate', { verb: 'grant', service: 'orders-svc', tier: 'operate' }],
    [
      'when it begins',
      'grant orders-svc 4h operate from sat 22:00 because CHG-123',
      {
        verb: 'grant',
        service: 'orders-svc',
        duration: 4 * hour,
        tier: 'operate',
        from: 'sat 22:00',
        reason: 'CHG-123',
      },
    ],
    [
      'when it begins and ends',
      'grant orders-svc from sat 22:00 Europe/Berlin until sun 02:00',
      { verb: 'grant', service: 'orders-svc', from: 'sat 22:00 Europe/Berlin', until: 'sun 02:00' },
    ],
    [
      'the same the other way round',
      'grant orders-svc UNTIL sun 02:00 FROM sat 22:00',
      { verb: 'grant', service: 'orders-svc', from: 'sat 22:00', until: 'sun 02:00' },
    ],
    ['a service that is called so', 'grant from 2h', { verb: 'grant', service: 'from', duration: 2 * hour }],
    [
      'a reason with “from” in it',
      'grant orders-svc because nothing comes from it',
      { verb: 'grant', service: 'orders-svc', reason: 'nothing comes from it' },
    ],
    [
      'how long and until when',
      'grant orders-svc 2h from 22:00 until 23:00',
      {
        verb: 'unreadable',
        what: 'Say how long, or until when, not both.',
        try: 'grant orders-svc until 23:00',
      },
    ],
    [
      'a reason',
      'grant orders-svc 2h operate because stuck orders',
      { verb: 'grant', service: 'orders-svc', duration: 2 * hour, tier: 'operate', reason: 'stuck orders' },
    ],
    [
      'a reason in its own capitals',
      'Grant Orders-SVC 2H Operate BECAUSE Ana asked',
      { verb: 'grant', service: 'orders-svc', duration: 2 * hour, tier: 'operate', reason: 'Ana asked' },
    ],
    [
      'a reason with “because” in it',
      'grant orders-svc because it fails because of me',
      { verb: 'grant', service: 'orders-svc', reason: 'it fails because of me' },
    ],
    [
      'a reason that looks like a command',
      'grant orders-svc because revoke payments-svc 9h',
      { verb: 'grant', service: 'orders-svc', reason: 'revoke payments-svc 9h' },
    ],
    [
      'a service whose name holds “because”',
      'grant because-svc 2h',
      { verb: 'grant', service: 'because-svc', duration: 2 * hour },
    ],
    ['because and no reason', 'grant orders-svc because  ', { verb: 'grant', service: 'orders-svc' }],
    [
      'much white space',
      '  grant   orders-svc \t 2h\n',
      { verb: 'grant', service: 'orders-svc', duration: 2 * hour },
    ],
  ])('is read: %s', (_, text, command) => {
    expect(parseCommand(text)).toEqual(command)
  })

  test.each<[string, string, string, string]>([
    ['a verb like another', 'grnat orders-svc', '“grnat”', 'grant'],
    ['a verb like none', 'sudo rm', '“sudo”', 'help'],
    ['grant alone', 'grant', 'which service', 'grant orders-svc 2h'],
    ['grant and only a reason', 'grant because I say so', 'which service', 'grant orders-svc 2h'],
    ['extend alone', 'extend', 'which one pass', 'extend orders-svc 30m'],
    ['extend of two', 'extend orders-svc 30m payments-svc', 'which one pass', 'extend orders-svc 30m'],
    ['extend by what is no time', 'extend orders-svc soon', '“soon”', 'extend orders-svc 30m'],
    ['extend the other way round', 'extend 30m orders-svc', '“orders-svc”', 'extend orders-svc 30m'],
    ['revoke alone', 'revoke', 'which one pass', 'revoke orders-svc'],
    ['revoke of two', 'revoke a b', 'which one pass', 'revoke orders-svc'],
    [
      'a word too many',
      'grant orders-svc 2h operate now',
      '“now”',
      'grant orders-svc 2h operate because now',
    ],
    [
      'words too many without a time',
      'grant orders-svc operate right now',
      '“right now”',
      'because right now',
    ],
    ['a time after the tier', 'grant orders-svc operate 2h', '“2h”', 'grant orders-svc 2h operate'],
    ['a reason too long', `grant orders-svc because ${'x'.repeat(501)}`, 'at most 500', 'because …'],
  ])('is answered with the nearest right command: %s', (_, text, what, attempt) => {
    const command = parseCommand(text)
    expect(command).toMatchObject({ verb: 'unreadable', what: expect.stringContaining(what) })
    expect(command.verb === 'unreadable' && command.try).toContain(attempt)
  })

  test.each([
    ['0'],
    ['0h'],
    ['-1'],
    ['-1h'],
    ['+2h'],
    ['NaN'],
    ['Infinity'],
    ['1e9'],
    ['1e9s'],
    ['0x10'],
    ['1h; drop'],
    ['1h;drop'],
    ['2 fortnights'],
    ['2hours'],
    ['1.5h'],
    ['99999999999999h'],
    ['1h&&reboot'],
    ['9'.repeat(5_000)],
  ])('with the duration %s is never a grant, and extends nothing', (duration) => {
    expect(parseCommand(`grant orders-svc ${duration}`).verb).toBe('unreadable')
    expect(parseCommand(`grant orders-svc ${duration} because x`).verb).toBe('unreadable')
    expect(parseCommand(`extend orders-svc ${duration}`).verb).toBe('unreadable')
  })

  test('names the whole of what is no duration', () => {
    expect(parseCommand('grant orders-svc 2 fortnights')).toMatchObject({
      what: expect.stringContaining('“2 fortnights”'),
    })
  })

  test('of any kind is read without throwing, and no grant lasts for ever or for nothing', () => {
    const words = fc.array(
      fc.oneof(
        fc.constantFrom('grant', 'orders-svc', '2h', 'operate', 'because', '-1', 'NaN'),
        fc.string({ unit: 'binary' }),
      ),
      { maxLength: 7 },
    )
    fc.assert(
      fc.property(words, (all) => {
        const command = parseCommand(all.join(' '))
        if (command.verb !== 'grant') return
        expect(command.duration ?? 1).toBeGreaterThan(0)
        expect(command.duration ?? 1).toBeLessThan(Number.POSITIVE_INFINITY)
        expect((command.reason ?? '').length).toBeLessThanOrEqual(500)
      }),
    )
  })
})

describe('Several services', () => {
  const names = {
    isService: (word: string) => ['orders-svc', 'payments-svc'].includes(word),
    isTier: (word: string) => word === 'operate',
  }
  const both = { verb: 'grant', service: 'orders-svc,payments-svc', services: ['orders-svc', 'payments-svc'] }

  test.each<[string, object]>([
    ['grant orders-svc payments-svc 2h operate', { ...both, duration: 2 * hour, tier: 'operate' }],
    ['grant orders-svc, payments-svc 2h', { ...both, duration: 2 * hour }],
    ['grant Orders-svc ,payments-svc,', both],
    ['grant orders-svc payments-svc operate', { ...both, tier: 'operate' }],
    ['grant orders-svc payments-svc from 22:00', { ...both, from: '22:00' }],
    ['preview orders-svc,payments-svc', { ...both, verb: 'preview' }],
    ['grant orders-svc orders-svc 2h', { verb: 'grant', service: 'orders-svc', duration: 2 * hour }],
    [
      'grant label:web 2h',
      { verb: 'grant', service: 'label:web', services: ['label:web'], duration: 2 * hour },
    ],
    [
      'grant orders-svc paymnts-svc 2h',
      {
        verb: 'grant',
        service: 'orders-svc,paymnts-svc',
        services: ['orders-svc', 'paymnts-svc'],
        duration: 2 * hour,
      },
    ],
    ['grant orders-svc oprate', { verb: 'grant', service: 'orders-svc', tier: 'oprate' }],
    [
      'grant orders-svc 2h payments-svc',
      { verb: 'grant', service: 'orders-svc', duration: 2 * hour, tier: 'payments-svc' },
    ],
  ])('%s', (text, command) => {
    expect(parseCommand(text, names)).toEqual(command)
  })

  test.each<[string, string]>([
    ['grant orders-svc operate 2h', '“2h”'],
    ['break-glass orders-svc payments-svc because …', 'one service at a time'],
    ['grant orders-svc,<!channel> 2h', 'neither a service nor a label'],
    ['grant orders-svc,../etc 2h', 'neither a service nor a label'],
    [`grant ${Array.from({ length: 100 }, (_, index) => `svc-${index}`).join(',')} 2h`, 'at most 30'],
    [`grant ${Array.from({ length: 100 }, (_, index) => `svc-${index}`).join(' ')} 2h`, 'at most 30'],
  ])('%s is told what is wrong', (text, what) => {
    expect(parseCommand(text, names)).toMatchObject({
      verb: 'unreadable',
      what: expect.stringContaining(what),
    })
  })
})
