import { integrations, type Service, services } from '../pagerduty/account.ts'
import type { Agent } from '../pagerduty/incident-record.ts'
import { everyone, type Person, personNamed } from '../people.ts'
import { BadInput } from './bad-input.ts'
import type { Fields } from './call.ts'

/** Each reads one field, or says in one line what to give instead. */

const names = everyone.map((person) => person.name).join(', ')
const serviceNames = services.map((service) => service.name).join(', ')
const integrationNames = Object.keys(integrations).join(', ')

export const textField = (fields: Fields, name: string, example: string): string => {
  const value = fields[name]
  if (value === undefined || value === '')
    throw new BadInput(`Say ${name}=…, for instance ${name}=${example}`)
  return value
}

export const personField = (fields: Fields, name: string): Person => {
  const person = personNamed(textField(fields, name, 'ana'))
  if (!person) throw new BadInput(`There is no ${fields[name]} here: ${name}= takes one of ${names}.`)
  return person
}

export const serviceField = (fields: Fields): Service => {
  const wanted = textField(fields, 'service', 'orders-svc')
  const service = services.find(({ name, id }) => name === wanted || id === wanted)
  if (!service) throw new BadInput(`There is no service ${wanted}: service= takes one of ${serviceNames}.`)
  return service
}

export const urgencyField = (fields: Fields): 'high' | 'low' => {
  const urgency = fields['urgency'] ?? 'high'
  if (urgency === 'high' || urgency === 'low') return urgency
  throw new BadInput(`urgency=${urgency} is not known: say urgency=high or urgency=low.`)
}

/** PagerDuty's default priorities. */
export const priorityField = (fields: Fields): string | undefined => {
  const priority = fields['priority']
  if (priority === undefined || /^P[1-5]$/.test(priority)) return priority
  throw new BadInput(`priority=${priority} is not known: say priority=P1 (to P5), or leave it out.`)
}

/** Who does it: one of the people, an integration of the service, or PagerDuty by itself (as after a time-out). */
export const agentField = (fields: Fields, service: string): Agent | undefined => {
  const wanted = fields['by']
  if (wanted === undefined) return undefined
  if (wanted === 'pagerduty') return { kind: 'service', id: service }
  const person = personNamed(wanted)
  if (person) return { kind: 'user', id: person.pagerduty.user }
  const integration = Object.entries(integrations).find(([name]) => name === wanted)?.[1]
  if (!integration)
    throw new BadInput(
      `There is no ${wanted} here: by= takes one of ${names}, ${integrationNames}, pagerduty.`,
    )
  return { kind: 'integration', id: integration.id, service }
}

/** A whole number from 0; left out, undefined. */
export const countField = (fields: Fields, name: string): number | undefined => {
  const value = fields[name]
  if (value === undefined) return undefined
  if (!/^\d{1,6}$/.test(value)) throw new BadInput(`${name}=${value} is not known: say ${name}=3`)
  return Number(value)
}

/** One of the words given. */
export const wordField = <T extends string>(fields: Fields, name: string, words: readonly T[]): T => {
  const value = textField(fields, name, words[0] ?? '')
  const word = words.find((one) => one === value)
  if (word === undefined) throw new BadInput(`${name}=${value} is not known: say one of ${words.join(', ')}.`)
  return word
}
