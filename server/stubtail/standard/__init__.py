"""Messages of gRPC's own services, health and reflection, in descriptor pools of their own."""
