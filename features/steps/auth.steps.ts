import { Given } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

Given('no API key is provided', function (this: ServiceWorld) {
  this.headers['X-API-Key'] = undefined;
});

Given('an invalid API key is provided', function (this: ServiceWorld) {
  this.headers['X-API-Key'] = 'bad';
});

Given('no Bearer token is provided', function (this: ServiceWorld) {
  delete this.headers['Authorization'];
});

Given('a Bearer token {string} is provided', function (this: ServiceWorld, token: string) {
  this.headers['Authorization'] = `Bearer ${token}`;
});

Given('AUTH_TOKEN environment variable is {string}', function (this: ServiceWorld, token: string) {
  this.env['AUTH_TOKEN'] = token;
});
