package io.github.stubtail.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Forecasts many series in one call. Every error carries google.rpc.ErrorInfo with an ErrorReason.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class ForecastingServiceGrpc {

  private ForecastingServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "stubtail.v1.ForecastingService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.stubtail.v1.ForecastRequest,
      io.github.stubtail.v1.ForecastResponse> getForecastMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Forecast",
      requestType = io.github.stubtail.v1.ForecastRequest.class,
      responseType = io.github.stubtail.v1.ForecastResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.stubtail.v1.ForecastRequest,
      io.github.stubtail.v1.ForecastResponse> getForecastMethod() {
    io.grpc.MethodDescriptor<io.github.stubtail.v1.ForecastRequest, io.github.stubtail.v1.ForecastResponse> getForecastMethod;
    if ((getForecastMethod = ForecastingServiceGrpc.getForecastMethod) == null) {
      synchronized (ForecastingServiceGrpc.class) {
        if ((getForecastMethod = ForecastingServiceGrpc.getForecastMethod) == null) {
          ForecastingServiceGrpc.getForecastMethod = getForecastMethod =
              io.grpc.MethodDescriptor.<io.github.stubtail.v1.ForecastRequest, io.github.stubtail.v1.ForecastResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Forecast"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.stubtail.v1.ForecastRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.stubtail.v1.ForecastResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ForecastingServiceMethodDescriptorSupplier("Forecast"))
              .build();
        }
      }
    }
    return getForecastMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static ForecastingServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ForecastingServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ForecastingServiceStub>() {
        @java.lang.Override
        public ForecastingServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ForecastingServiceStub(channel, callOptions);
        }
      };
    return ForecastingServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static ForecastingServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ForecastingServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ForecastingServiceBlockingV2Stub>() {
        @java.lang.Override
        public ForecastingServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ForecastingServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return ForecastingServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static ForecastingServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ForecastingServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ForecastingServiceBlockingStub>() {
        @java.lang.Override
        public ForecastingServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ForecastingServiceBlockingStub(channel, callOptions);
        }
      };
    return ForecastingServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static ForecastingServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ForecastingServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ForecastingServiceFutureStub>() {
        @java.lang.Override
        public ForecastingServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ForecastingServiceFutureStub(channel, callOptions);
        }
      };
    return ForecastingServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Forecasts many series in one call. Every error carries google.rpc.ErrorInfo with an ErrorReason.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Forecasts each series of the request by itself; no series changes the answer of another one.
     * The call's gRPC deadline is kept: `auto` does as much as fits into it, and says what it left
     * out; a model that cannot answer in time is refused or ended.
     * </pre>
     */
    default void forecast(io.github.stubtail.v1.ForecastRequest request,
        io.grpc.stub.StreamObserver<io.github.stubtail.v1.ForecastResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getForecastMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service ForecastingService.
   * <pre>
   * Forecasts many series in one call. Every error carries google.rpc.ErrorInfo with an ErrorReason.
   * </pre>
   */
  public static abstract class ForecastingServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return ForecastingServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service ForecastingService.
   * <pre>
   * Forecasts many series in one call. Every error carries google.rpc.ErrorInfo with an ErrorReason.
   * </pre>
   */
  public static final class ForecastingServiceStub
      extends io.grpc.stub.AbstractAsyncStub<ForecastingServiceStub> {
    private ForecastingServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ForecastingServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ForecastingServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Forecasts each series of the request by itself; no series changes the answer of another one.
     * The call's gRPC deadline is kept: `auto` does as much as fits into it, and says what it left
     * out; a model that cannot answer in time is refused or ended.
     * </pre>
     */
    public void forecast(io.github.stubtail.v1.ForecastRequest request,
        io.grpc.stub.StreamObserver<io.github.stubtail.v1.ForecastResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getForecastMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service ForecastingService.
   * <pre>
   * Forecasts many series in one call. Every error carries google.rpc.ErrorInfo with an ErrorReason.
   * </pre>
   */
  public static final class ForecastingServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<ForecastingServiceBlockingV2Stub> {
    private ForecastingServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ForecastingServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ForecastingServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Forecasts each series of the request by itself; no series changes the answer of another one.
     * The call's gRPC deadline is kept: `auto` does as much as fits into it, and says what it left
     * out; a model that cannot answer in time is refused or ended.
     * </pre>
     */
    public io.github.stubtail.v1.ForecastResponse forecast(io.github.stubtail.v1.ForecastRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getForecastMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service ForecastingService.
   * <pre>
   * Forecasts many series in one call. Every error carries google.rpc.ErrorInfo with an ErrorReason.
   * </pre>
   */
  public static final class ForecastingServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<ForecastingServiceBlockingStub> {
    private ForecastingServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ForecastingServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ForecastingServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Forecasts each series of the request by itself; no series changes the answer of another one.
     * The call's gRPC deadline is kept: `auto` does as much as fits into it, and says what it left
     * out; a model that cannot answer in time is refused or ended.
     * </pre>
     */
    public io.github.stubtail.v1.ForecastResponse forecast(io.github.stubtail.v1.ForecastRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getForecastMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service ForecastingService.
   * <pre>
   * Forecasts many series in one call. Every error carries google.rpc.ErrorInfo with an ErrorReason.
   * </pre>
   */
  public static final class ForecastingServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<ForecastingServiceFutureStub> {
    private ForecastingServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ForecastingServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ForecastingServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Forecasts each series of the request by itself; no series changes the answer of another one.
     * The call's gRPC deadline is kept: `auto` does as much as fits into it, and says what it left
     * out; a model that cannot answer in time is refused or ended.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.stubtail.v1.ForecastResponse> forecast(
        io.github.stubtail.v1.ForecastRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getForecastMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_FORECAST = 0;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_FORECAST:
          serviceImpl.forecast((io.github.stubtail.v1.ForecastRequest) request,
              (io.grpc.stub.StreamObserver<io.github.stubtail.v1.ForecastResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getForecastMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.stubtail.v1.ForecastRequest,
              io.github.stubtail.v1.ForecastResponse>(
                service, METHODID_FORECAST)))
        .build();
  }

  private static abstract class ForecastingServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    ForecastingServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.stubtail.v1.Forecasting.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("ForecastingService");
    }
  }

  private static final class ForecastingServiceFileDescriptorSupplier
      extends ForecastingServiceBaseDescriptorSupplier {
    ForecastingServiceFileDescriptorSupplier() {}
  }

  private static final class ForecastingServiceMethodDescriptorSupplier
      extends ForecastingServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    ForecastingServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (ForecastingServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new ForecastingServiceFileDescriptorSupplier())
              .addMethod(getForecastMethod())
              .build();
        }
      }
    }
    return result;
  }
}
