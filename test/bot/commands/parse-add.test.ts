import { describe, expect, test } from 'vitest'
import { parseCommand } from '#bot/commands/parse-command.ts'
import { hour } from '../../builders.ts'

const usual = { verb: 'command', incident: '42', people: [{ user: 'U0ANA00001' }], services: ['orders-svc'] }

describe('What a commander writes', () => {
  test.each<[string, object]>([
    ['command 42 <@U0ANA00001> orders-svc', {}],
    ['COMMAND #42 <@U0ANA00001|ana> Orders-svc', {}],
    ['command Q1ABCDEF23 <@U0ANA00001> orders-svc', { incident: 'Q1ABCDEF23' }],
    ['command <https://acme.pagerduty.com/incidents/Q1ABC> <@U0ANA00001> orders-svc', { incident: 'Q1ABC' }],
    ['command https://acme.eu.pagerduty.com/incidents/Q1ABC <@U0ANA00001> orders-svc', { incident: 'Q1ABC' }],
    ['command 42 <@U0ANA00001> orders-svc operate 1h30m', { tier: 'operate', duration: 1.5 * hour }],
    ['command 42 <@U0ANA00001> orders-svc 2h operate', { tier: 'operate', duration: 2 * hour }],
    [
      'command 42 <@U0ANA00001> orders-svc 2h because it spreads',
      { duration: 2 * hour, reason: 'it spreads' },
    ],
    ['command 42 orders-svc <@U0ANA00001>', {}],
    [
      'command 42 <@U0ANA00001> , <@W0BEN00001|Ben Okafor>, <!subteam^S0SRE0001|@on call> orders-svc , label:web,orders-svc',
      {
        people: [{ user: 'U0ANA00001' }, { user: 'W0BEN00001' }, { group: 'S0SRE0001' }],
        services: ['orders-svc', 'label:web'],
      },
    ],
    [
      'command 42 <@U0ANA00001><!subteam^S0SRE0001> orders-svc',
      { people: [{ user: 'U0ANA00001' }, { group: 'S0SRE0001' }] },
    ],
  ])('%s', (text, changes) => {
    expect(parseCommand(text)).toEqual({ ...usual, ...changes })
  })

  test.each<[string, string]>([
    ['command', 'which incident'],
    ['command <@U0ANA00001> orders-svc', 'which incident'],
    ['command ../users <@U0ANA00001> orders-svc', 'which incident'],
    ['command 42/notes <@U0ANA00001> orders-svc', 'which incident'],
    ['command http://acme.pagerduty.com/incidents/Q1ABC <@U0ANA00001> orders-svc', 'which incident'],
    ['command 42 orders-svc', 'Say whom'],
    ['command 42 <!here> orders-svc', 'Say whom'],
    ['command 42 <!subteam^U0ANA00001> orders-svc', 'Say whom'],
    ['command 42 <@U0ANA00001', 'Say whom'],
    ['command 42 <@U0ANA00001>', 'which services'],
    ['command 42 <@U0ANA00001> because of that', 'which services'],
    ['command 42 <@U0ANA00001> <!here> orders-svc', 'neither a service nor a label'],
    ['command 42 <@U0ANA00001> label:', 'neither a service nor a label'],
    ['command 42 <@U0ANA00001> orders-svc 1h 2h', 'don’t understand'],
    ['command 42 <@U0ANA00001> orders-svc 1e9', 'no tier and no duration'],
  ])('%s is not understood', (text, says) => {
    expect(parseCommand(text)).toMatchObject({ verb: 'unreadable', what: expect.stringContaining(says) })
  })
})
