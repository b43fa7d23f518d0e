// An OpenAPI document, read for what a test wants to know of it: its operations, its answers, and
// whether an answer that really came is one of those.
//
// The schemas are closed here: a member that is not documented is a fault, though for clients a new
// member is none.

import addFormats from 'ajv-formats';
import Ajv2020 from 'ajv/dist/2020.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options', 'trace'];
const ROOT = 'document';

// What HTTP itself needs, and what the document's introduction says of every answer.
const EVERYWHERE = new Set(['connection', 'content-length', 'content-type', 'date', 'keep-alive',
  'transfer-encoding', 'x-content-type-options', 'referrer-policy',
  'cross-origin-resource-policy', 'cache-control']);

export const pointer = (...names) =>
  `#/${names.map((name) => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;

/** Calls `visit(value, names)` for each object and array below `value`, itself included. */
export function walk(value, visit, names = []) {
  if (value === null || typeof value !== 'object') return;
  visit(value, names);
  for (const [name, child] of Object.entries(value)) walk(child, visit, [...names, name]);
}

function closed(json) {
  const copy = structuredClone(json);
  walk(copy, (value, names) => {
    const isSchema = names.includes('schemas') || names.includes('schema');
    if (isSchema && typeof value.properties === 'object' && value.additionalProperties === undefined
        && names.at(-1) !== 'properties') {
      value.unevaluatedProperties = false;
    }
  });
  return copy;
}

const mediaType = (answer) => (answer.headers['content-type'] ?? '').split(';')[0].trim();

export class OpenApiDocument {
  #ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, strictRequired: false });

  constructor(json) {
    this.json = json;
    addFormats(this.#ajv);
    // For Ajv the whole is one schema; what stands around the schemas is none of its keywords.
    this.#ajv.addVocabulary(Object.keys(json));
    this.#ajv.addSchema({ ...closed(json), $id: ROOT });
  }

  /** The object that `value` is, or refers to, and where in the document it stands. */
  resolve(value, names) {
    if (value?.$ref === undefined) return { value, names };
    const target = value.$ref.slice(2).split('/')
      .map((name) => decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~'));
    let at = value.$ref.startsWith('#/') ? this.json : undefined;
    for (const name of target) at = at !== null && typeof at === 'object' ? at[name] : undefined;
    return { value: at, names: target };
  }

  /** Every operation: { path, method, operation, parameters, names }. */
  operations() {
    return Object.entries(this.json.paths).flatMap(([path, item]) => METHODS
      .filter((method) => item[method] !== undefined)
      .map((method) => ({
        path,
        method: method.toUpperCase(),
        operation: item[method],
        parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])]
          .map((parameter) => this.resolve(parameter).value),
        names: ['paths', path, method],
      })));
  }

  /** The response that is documented for a status, and where it stands. */
  response({ operation, names }, status) {
    const value = operation.responses[status];
    return value && this.resolve(value, [...names, 'responses', String(status)]);
  }

  /** The types of problem that a response may have. */
  problemTypes(response) {
    const type = response.content?.['application/problem+json']?.schema.properties.type;
    return (type?.enum ?? [type?.const]).filter((urn) => urn !== undefined);
  }

  /** All that may be answered to an operation, as `METHOD path status[ type]`. */
  answersOf(operation) {
    return Object.keys(operation.operation.responses).flatMap((status) => {
      const types = this.problemTypes(this.response(operation, status).value);
      const name = `${operation.method} ${operation.path} ${status}`;
      return types.length > 0 ? types.map((type) => `${name} ${type}`) : [name];
    });
  }

  /** What is wrong with `value`, by the schema that stands at `names`; empty where nothing is. */
  faultsOf(value, names) {
    const validate = this.#ajv.getSchema(`${ROOT}${pointer(...names)}`);
    if (!validate) return [`no schema at ${names.join(' ')}`];
    if (validate(value)) return [];
    return validate.errors.map(({ instancePath, message, params }) =>
      `${instancePath || 'it'} ${message} ${JSON.stringify(params)}`);
  }

  /** What is not as documented in an answer to an operation. */
  faultsOfAnswer(operation, answer) {
    const found = this.response(operation, answer.status);
    if (!found) return [`status ${answer.status} is not documented`];
    return [...this.#faultsOfHeaders(found, answer), ...this.#faultsOfBody(found, answer)];
  }

  #faultsOfHeaders({ value: response, names }, answer) {
    const faults = [];
    const documented = new Map(Object.entries(response.headers ?? {}).map(([name, header]) =>
      [name.toLowerCase(), this.resolve(header, [...names, 'headers', name])]));
    for (const [name, header] of documented) {
      const text = answer.headers[name];
      if (text === undefined) {
        if (header.value.required) faults.push(`${name} is missing`);
        continue;
      }
      const value = header.value.schema.type === 'integer' ? Number(text) : text;
      faults.push(...this.faultsOf(value, [...header.names, 'schema']).map((fault) => `${name}: ${fault}`));
    }
    for (const name of Object.keys(answer.headers)) {
      if (!documented.has(name) && !EVERYWHERE.has(name)) faults.push(`${name} is not documented`);
    }
    const said = {
      'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    };
    if (!documented.has('cache-control')) said['cache-control'] = 'no-store';
    for (const [name, value] of Object.entries(said)) {
      if (answer.headers[name] !== value) faults.push(`${name} is ${answer.headers[name]}, not ${value}`);
    }
    return faults;
  }

  #faultsOfBody({ value: response, names }, answer) {
    if (response.content === undefined) {
      return answer.bytes.length > 0 || answer.headers['content-type'] !== undefined ? ['it has a body'] : [];
    }
    const type = mediaType(answer);
    const content = response.content[type];
    if (content === undefined) return [`its type, ${type || 'none'}, is not documented`];
    if (content.schema === undefined) return [];
    const isJson = /[/+]json$/.test(type);
    return this.faultsOf(isJson ? answer.json() : answer.text, [...names, 'content', type, 'schema']);
  }

  /** An answer as answersOf names it. */
  nameOf(operation, answer) {
    const isProblem = mediaType(answer) === 'application/problem+json';
    const name = `${operation.method} ${operation.path} ${answer.status}`;
    return isProblem ? `${name} ${answer.json().type}` : name;
  }
}
