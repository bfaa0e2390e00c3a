import type { Agent, Incident } from '../pagerduty/incident-record.ts'
import { BadInput } from './bad-input.ts'
import type { Fields, Sandbox } from './call.ts'
import { textField } from './fields.ts'

/** The incident a field names, by its id or its number. */
export const incidentField = ({ pagerduty }: Sandbox, fields: Fields, name: string): Incident => {
  const wanted = textField(fields, name, '1')
  const incident = pagerduty.incidents
    .all()
    .find(({ id, number }) => id === wanted || String(number) === wanted)
  if (!incident) throw new BadInput(`There is no incident ${wanted}: GET /incidents lists them.`, 404)
  return incident
}

/** Who does it when nobody is named: whoever is assigned first. */
export const assigneeOf = (incident: Incident): Agent => {
  const user = incident.assignments[0]?.user
  if (user === undefined) throw new BadInput(`Incident ${incident.id} is ${incident.status} already.`, 409)
  return { kind: 'user', id: user }
}
