import { render } from 'preact';
import { App } from './app';
import { startRouter } from './router';
import { applyTheme } from './theme';

applyTheme();
startRouter();
const root = document.getElementById('app');
if (root) render(<App />, root);
